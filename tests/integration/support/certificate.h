/* Certificates for tests: signed by themselves, for 127.0.0.1 and localhost. A failure ends the test. */
#ifndef TRACEKIN_TESTS_CERTIFICATE_H
#define TRACEKIN_TESTS_CERTIFICATE_H

/* Makes a new key, and writes it and its certificate, which is valid from yesterday on for so many days, in the name given. */
void certificate_write(const char *cert_path, const char *key_path, const char *name, int days);

#endif
