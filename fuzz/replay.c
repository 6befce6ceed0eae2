/* SPDX-License-Identifier: MIT */
/* replay.c - run a fuzz entry over files: one after the other, no fuzzer. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The whole file in memory of exactly its size; NULL if that fails. */
static uint8_t *read_file(const char *name, size_t *len)
{
    FILE       *file = fopen(name, "rb");
    struct stat about;
    uint8_t    *data = NULL;

    if (file == NULL)
        return NULL;
    if (fstat(fileno(file), &about) == 0 && S_ISREG(about.st_mode)) {
        *len = (size_t)about.st_size;
        data = malloc(*len > 0 ? *len : 1);
    }
    if (data != NULL && fread(data, 1, *len, file) != *len) {
        free(data);
        data = NULL;
    }
    fclose(file);
    return data;
}

int main(int argc, char **argv)
{
    int bad = argc < 2;

    for (int i = 1; i < argc; i++) {
        size_t   len  = 0;
        uint8_t *data = read_file(argv[i], &len);

        if (data == NULL) {
            perror(argv[i]);
            bad = 1;
            continue;
        }
        printf("%s: %zu bytes\n", argv[i], len);
        fflush(stdout); /* it is the last line if the entry aborts */
        LLVMFuzzerTestOneInput(data, len);
        free(data);
    }
    return bad;
}
