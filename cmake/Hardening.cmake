# What the compiler and the linker can do against memory errors that are still there. tests/dev/hardening.sh reads the binary
# and fails when one of these is missing, so a compiler that lacks one is found there and not in the field.
include(CheckCSourceCompiles)

# Position-independent, so that addresses are random: modules that tests preload are libraries, the rest ends in a program.
set(is_library $<STREQUAL:$<TARGET_PROPERTY:TYPE>,MODULE_LIBRARY>)
add_compile_options($<IF:${is_library},-fPIC,-fPIE>)
add_link_options($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie>)

add_compile_options(-fstack-protector-strong -fstack-clash-protection)
add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)

if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  add_compile_options(-fcf-protection=full)
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
  add_compile_options(-mbranch-protection=standard)
endif()

# Level 3 checks sizes that are known only at run time. The C library takes a level it cannot give for a lower one, so it is
# asked. It needs the optimiser, and sanitizers know better.
function(fortify_level out)
  set(CMAKE_REQUIRED_FLAGS "-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
  check_c_source_compiles("#include <features.h>
#if __USE_FORTIFY_LEVEL < 3
#error
#endif
int main(void) { return 0; }" HAS_FORTIFY_3)
  set(${out} $<IF:$<BOOL:${HAS_FORTIFY_3}>,3,2> PARENT_SCOPE)
endfunction()

if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT TRACEKIN_SANITIZE)
  fortify_level(level)
  # Some distributions' compilers define it themselves.
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=${level})
endif()
