/* Compiler attributes and scope-bound cleanup, shared by every layer.
 *
 * AUTO(type) declares a variable whose type_auto() runs when its scope ends; TAKE(p) moves a pointer out of such a
 * variable and leaves NULL behind. Together they make an early return safe. */
#ifndef TRACEKIN_CORE_ATTR_H
#define TRACEKIN_CORE_ATTR_H

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define UNUSED __attribute__((unused))
/* The value of a macro as a string literal. */
#define TEXT_OF_(x) #x
#define TEXT_OF(x) TEXT_OF_(x)
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define AUTO(name) __attribute__((cleanup(name##_auto)))
#define TAKE(p) (__extension__({ __typeof__(p) taken_ = (p); (p) = NULL; taken_; }))

#endif
