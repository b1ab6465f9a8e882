# Files compiled into the binary, as byte arrays that end in a NUL which is not counted.

# Writes OUT, a C array named NAME with the bytes of FILE, and NAME_len.
function(embed_array name file out)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(LENGTH "${hex}" length)
  math(EXPR length "${length} / 2")
  set(${out} "static const char ${name}[] = {${bytes}0x00};\nenum { ${name}_len = ${length} };\n" PARENT_SCOPE)
  set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
endfunction()

# TARGET's sources may include "embed/NAME.h".
function(embed_file target name file)
  embed_array(embed_${name} ${file} text)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/embed/${name}.h CONTENT "${text}" @ONLY)
  target_include_directories(${target} PRIVATE ${CMAKE_BINARY_DIR})
endfunction()

# "embed/migrations.h": the table embed_migrations[] of {version, name, sha256, sql, sql_len}, from files NNNN_name.sql.
function(embed_migrations target)
  set(arrays "")
  set(rows "")
  list(SORT ARGN)
  foreach(file ${ARGN})
    get_filename_component(stem ${file} NAME_WE)
    string(REGEX MATCH "^([0-9]+)_(.*)$" ignored ${stem})
    set(number ${CMAKE_MATCH_1})
    set(name ${CMAKE_MATCH_2})
    math(EXPR version "1${number} - 10000")
    embed_array(embed_migration_${number} ${file} text)
    file(SHA256 ${file} sha256)
    string(APPEND arrays "${text}")
    string(APPEND rows "    {${version}, \"${name}\", \"${sha256}\", embed_migration_${number}, embed_migration_${number}_len},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/embed/migrations.h CONTENT
       "${arrays}static const struct db_migration embed_migrations[] = {\n${rows}};\n" @ONLY)
  target_include_directories(${target} PRIVATE ${CMAKE_BINARY_DIR})
endfunction()
