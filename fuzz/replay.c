/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target over files, for builds without libFuzzer: every argument is an input, or a
 * directory of inputs. Each is named before it is run, so that the last name is the one that broke.
 * Exits with 77 (skipped) when there was nothing to run.
 */
#define _FILE_OFFSET_BITS 64
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *path)
{
	perror(path);
	exit(1);
}

/* The buffer is as long as the input, so that the address sanitizer sees a read behind it. */
static void replay_file(const char *path, size_t size)
{
	uint8_t *data = malloc(size ? size : 1);
	FILE *file = fopen(path, "rb");

	if (!data || !file || fread(data, 1, size, file) != size)
		fail(path);
	fclose(file);
	puts(path);
	fflush(stdout);
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
}

static char *join(const char *directory, const char *name)
{
	size_t size = strlen(directory) + strlen(name) + 2;
	char *path = malloc(size);

	if (!path)
		fail(directory);
	strcpy(path, directory);
	strcat(strcat(path, "/"), name);
	return path;
}

static unsigned long replay(const char *path);

/* In the order of their names, which is the same everywhere. */
static unsigned long replay_directory(const char *path)
{
	struct dirent **entries;
	unsigned long cnt = 0;
	int entry_cnt = scandir(path, &entries, NULL, alphasort);

	if (entry_cnt < 0)
		fail(path);
	for (int i = 0; i < entry_cnt; i++) {
		if (entries[i]->d_name[0] != '.') {
			char *entry = join(path, entries[i]->d_name);

			cnt += replay(entry);
			free(entry);
		}
		free(entries[i]);
	}
	free(entries);
	return cnt;
}

static unsigned long replay(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		fail(path);
	if (S_ISDIR(status.st_mode))
		return replay_directory(path);
	replay_file(path, (size_t)status.st_size);
	return 1;
}

int main(int argc, char **argv)
{
	unsigned long cnt = 0;

	for (int i = 1; i < argc; i++)
		cnt += replay(argv[i]);
	printf("%lu inputs replayed\n", cnt);
	return cnt ? 0 : 77;
}
