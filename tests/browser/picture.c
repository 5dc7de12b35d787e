// SPDX-License-Identifier: GPL-2.0
/*
 * picture FILE.png [RRGGBB...]: says what a screenshot shows, for tests.
 *
 * Prints "WIDTH HEIGHT COLOURS INK", where INK is the percentage of pixels that are not of the
 * most frequent colour, and for each RRGGBB how many pixels have it. Exit code 1 where FILE is no
 * picture.
 */
#include <png.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define COLOURS (1 << 24)

static uint32_t count[COLOURS];

int main(int argc, char **argv)
{
	png_image image = { .version = PNG_IMAGE_VERSION };
	size_t pixels, colours = 0;
	uint32_t most = 0;
	uint8_t *rgb;

	if (argc < 2 || !png_image_begin_read_from_file(&image, argv[1])) {
		fprintf(stderr, "picture: %s: %s\n", argc < 2 ? "usage" : argv[1], image.message);
		return 1;
	}
	image.format = PNG_FORMAT_RGB;
	pixels = (size_t)image.width * image.height;
	rgb = malloc(PNG_IMAGE_SIZE(image));
	if (!rgb || !png_image_finish_read(&image, NULL, rgb, 0, NULL)) {
		fprintf(stderr, "picture: %s: %s\n", argv[1], image.message);
		return 1;
	}
	for (size_t i = 0; i < pixels; i++)
		count[rgb[3 * i] << 16 | rgb[3 * i + 1] << 8 | rgb[3 * i + 2]]++;
	for (size_t i = 0; i < COLOURS; i++) {
		colours += !!count[i];
		most = count[i] > most ? count[i] : most;
	}
	printf("%u %u %zu %zu\n", image.width, image.height, colours,
	       100 * (pixels - most) / pixels);
	for (int i = 2; i < argc; i++)
		printf("%s %u\n", argv[i], count[strtoul(argv[i], NULL, 16) % COLOURS]);
	free(rgb);
	return 0;
}
