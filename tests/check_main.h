/* The main() of a Check test: declare the suite's cases with CHECK_MAIN(name, tcase_function...). */
#ifndef TRACEKIN_TESTS_CHECK_MAIN_H
#define TRACEKIN_TESTS_CHECK_MAIN_H

#include <check.h>
#include <stdlib.h>

#define CHECK_MAIN(name, ...)                                              \
    int main(void)                                                         \
    {                                                                      \
        TCase *(*const cases[])(void) = {__VA_ARGS__};                     \
        Suite *suite = suite_create(name);                                 \
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)          \
            suite_add_tcase(suite, cases[i]());                            \
        SRunner *runner = srunner_create(suite);                           \
        srunner_run_all(runner, CK_ENV);                                   \
        const int n_failed = srunner_ntests_failed(runner);                \
        srunner_free(runner);                                              \
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;                \
    }

#endif
