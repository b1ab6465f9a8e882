#include "db/question/attrs.h"

enum { NUMBER_MAX_LEN = 40, EXPONENT_MAX_LEN = 3 };

static size_t n_digits(struct str s, size_t from)
{
    size_t n = 0;
    while (from + n < s.len && s.ptr[from + n] >= '0' && s.ptr[from + n] <= '9')
        n++;
    return n;
}

/* RFC 8259 section 6; of a length that PostgreSQL's numeric surely takes. */
static bool is_json_number(struct str s)
{
    if (s.len > NUMBER_MAX_LEN)
        return false;
    size_t i = s.len > 0 && s.ptr[0] == '-' ? 1 : 0;
    const size_t n_whole = n_digits(s, i);
    if (n_whole == 0 || (n_whole > 1 && s.ptr[i] == '0'))
        return false;
    i += n_whole;
    if (i < s.len && s.ptr[i] == '.') {
        const size_t n_fraction = n_digits(s, i + 1);
        if (n_fraction == 0)
            return false;
        i += 1 + n_fraction;
    }
    if (i < s.len && (s.ptr[i] == 'e' || s.ptr[i] == 'E')) {
        i++;
        if (i < s.len && (s.ptr[i] == '+' || s.ptr[i] == '-'))
            i++;
        const size_t n_exponent = n_digits(s, i);
        if (n_exponent == 0 || n_exponent > EXPONENT_MAX_LEN)
            return false;
        i += n_exponent;
    }
    return i == s.len;
}

/* What the text of a value is as JSON when it is not a string; empty when it can only be one. */
static struct str json_of(struct str value)
{
    static const struct str literals[] = {{"true", 4}, {"false", 5}, {"null", 4}};
    for (size_t i = 0; i < ARRAY_LEN(literals); i++)
        if (str_equal(value, literals[i]))
            return value;
    return is_json_number(value) ? value : STR("");
}

void db_put_attr(struct db_params *p, struct str key, struct str value)
{
    db_put_text(p, key);
    db_put_text(p, value);
    db_put_text(p, json_of(value));
}

void db_put_attrs(struct db_params *p, const struct db_attrs *attrs)
{
    if (attrs->n > DB_ATTRS_MAX) {
        p->failed = true;
        return;
    }
    struct str json[DB_ATTRS_MAX];
    for (size_t i = 0; i < attrs->n; i++)
        json[i] = json_of(attrs->values[i]);
    db_put_text_array(p, attrs->keys, attrs->n);
    db_put_text_array(p, attrs->values, attrs->n);
    db_put_text_array(p, json, attrs->n);
}
