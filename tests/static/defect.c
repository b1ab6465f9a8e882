/* Defects on purpose, which every analyzer must see. It is never built. */
#include <stdlib.h>

int defect(int n);

int defect(int n)
{
    int *const numbers = malloc(4 * sizeof *numbers);
    if (numbers == NULL)
        return 0;
    numbers[0] = n;
    free(numbers);
    free(numbers);
    return numbers[0];
}
