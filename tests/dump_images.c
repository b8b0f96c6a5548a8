/* SPDX-License-Identifier: MIT */
/*
 * Writes, for every configuration, the image and the text of a table into a directory, as N.image
 * and N.txt: for a model that walks images from outside (dump_walk.py).
 */
#include <stdio.h>

#include "dump_world.h"

static void write_file(const char *directory, size_t number, const char *suffix, struct sunk *sunk)
{
	char path[512];
	FILE *file;

	assert_true(snprintf(path, sizeof(path), "%s/%zu.%s", directory, number, suffix) < 512);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(sunk->bytes, 1, sunk->len, file), sunk->len);
	assert_int_equal(fclose(file), 0);
	sunk_drop(sunk);
}

static void write_config(const char *directory, size_t number, uint64_t *random)
{
	struct phyrsim_root root;
	struct sunk text, image;

	open_config(&configs[number]);
	map_at_random(random, 24);
	clean_at_random(random);
	root = root_now();
	text = sunk_text(w.mem, &root, 0);
	image = image_of(w.mem, &root);
	write_file(directory, number, "txt", &text);
	write_file(directory, number, "image", &image);
	close_config();
}

int main(int argc, char **argv)
{
	uint64_t random = test_number("PHYR_SEED", 1);

	if (argc != 2)
		return 2;
	for (size_t i = 0; i < CNT(configs); i++)
		write_config(argv[1], i, &random);
	return 0;
}
