#include "db/session/url.h"

#include <string.h>

#include "core/attr.h"
#include "tests/check_main.h"

/* The URL and a part of what is wrong with it; the word secret stands where it would be a part of the password. */
static const struct {
    const char *url, *fault;
} WRONG[] = {
    {"garbage", "neither postgresql://"},
    {"secret", "neither postgresql://"},
    {"u:secret@host/db", "neither postgresql://"},
    {"postgresql:/u:secret@host/db", "neither postgresql://"},
    {"mysql://u:secret@host/db?a=b", "keyword"},
    {"postgresql://u:secret@host:badport/db", "port"},
    {"postgresql://u:secret@host:0/db", "port"},
    {"postgresql://u:secret@a:5432,b:65536/db", "port"},
    {"host=a,b port=5432,x password=secret", "port"},
    {"postgresql://u:secret%zz@host/db", "%25"},
    {"postgresql://u:secret%@host/db", "%25"},
    {"postgresql://u:secret%00@host/db", "%00"},
    {"postgresql://u:p@secret@host/db", "%40"},
    {"postgresql://u:p@ss/secret@host/db", "%40"},
    {"postgresql://u:p/secret@host/db", "%2F"},
    {"postgresql://u:12/secret@host/db", "%2F"},
    {"postgres://u:p/secret@host", "%2F"},
    {"postgresql://u:secret@[::1", "can read"},
    {"postgresql://u:secret@[::1]x/db", "can read"},
    {"postgresql://u:secret@host/db?secret", "can read"},
    {"postgresql://u@host/db?pasword=secret", "parameter"},
    {"host=db password=my secret", "neither postgresql://"},
    {"host=db password=my secret=1", "keyword"},
    {"host=db password='secret", "quote"},
    {"postgresql://u:secret@host/db?sslmode=always", "sslmode"},
    {"host=a,b password=secret target_session_attrs=primarily", "target_session_attrs"},
};

START_TEST(a_fault_is_told_and_nothing_of_the_url)
{
    for (size_t i = 0; i < ARRAY_LEN(WRONG); i++) {
        const char *fault = NULL;
        ck_assert_int_eq(db_url_check(WRONG[i].url, &fault, NULL), OK);
        ck_assert_msg(fault != NULL, "%s is taken", WRONG[i].url);
        ck_assert_msg(strstr(fault, WRONG[i].fault) != NULL, "%s %s", WRONG[i].url, fault);
        ck_assert_msg(strstr(fault, "secret") == NULL, "%s %s", WRONG[i].url, fault);
    }
}
END_TEST

START_TEST(what_libpq_takes_has_none)
{
    static const char *const RIGHT[] = {
        "postgresql://", "postgres://host", "postgresql://u@host/db", "postgresql://u:p%40s%2Fs%25@host:5432/db?sslmode=verify-full",
        "postgresql://u:p?w@host/db", "postgresql://u:p@a:5432,b,[::1]:5433/db?target_session_attrs=read-write",
        "postgresql:///db?host=/run/postgresql&user=me@here", "postgresql://%2Frun%2Fpostgresql/db",
        "host=db", "host=db user=me password='it\\'s' port=' 5432'", "host=a,b port=5432, dbname=x", "sslmode=",
    };
    for (size_t i = 0; i < ARRAY_LEN(RIGHT); i++) {
        const char *fault = NULL;
        ck_assert_int_eq(db_url_check(RIGHT[i], &fault, NULL), OK);
        ck_assert_msg(fault == NULL, "%s %s", RIGHT[i], fault);
    }
}
END_TEST

static TCase *tcase_url(void)
{
    TCase *t = tcase_create("url");
    tcase_add_test(t, a_fault_is_told_and_nothing_of_the_url);
    tcase_add_test(t, what_libpq_takes_has_none);
    return t;
}

CHECK_MAIN("url", tcase_url)
