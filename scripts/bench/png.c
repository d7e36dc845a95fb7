/* Decodes each PNG given with libpng, from memory, and prints its median time in ns. */
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct memory { const unsigned char *p; size_t n; };

static void take(png_structp png, png_bytep to, size_t n) {
	struct memory *m = png_get_io_ptr(png);
	if (n > m->n) png_error(png, "short");
	memcpy(to, m->p, n);
	m->p += n;
	m->n -= n;
}

static void decode(struct memory m) {
	png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png_create_info_struct(png);
	png_set_read_fn(png, &m, take);
	png_read_info(png, info);
	size_t row = png_get_rowbytes(png, info), h = png_get_image_height(png, info);
	png_bytep pix = malloc(row * h), *rows = malloc(h * sizeof *rows);
	for (size_t i = 0; i < h; i++) rows[i] = pix + i * row;
	png_read_image(png, rows);
	png_read_end(png, NULL);
	png_destroy_read_struct(&png, &info, NULL);
	free(rows);
	free(pix);
}

static int order(const void *a, const void *b) {
	double d = *(double *)a - *(double *)b;
	return (d > 0) - (d < 0);
}

int main(int argc, char **argv) {
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		if (!f) return perror(argv[i]), 1;
		unsigned char *data = malloc(16 << 20);
		struct memory m = {data, fread(data, 1, 16 << 20, f)};
		fclose(f);
		double t[41];
		for (int k = 0; k < 41; k++) {
			struct timespec a, b;
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
			decode(m);
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
			t[k] = (b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec);
		}
		qsort(t, 41, sizeof *t, order);
		printf("%s %.0f\n", argv[i], t[20]);
		free(data);
	}
	return 0;
}
