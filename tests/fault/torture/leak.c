/* A program that leaks on purpose: AddressSanitizer must say so, or nothing that it passes means anything. */
#include "core/mem.h"

int main(void)
{
    char *volatile lost = mem_strdup(STR("nobody frees this"));
    lost = NULL;
    return lost != NULL;
}
