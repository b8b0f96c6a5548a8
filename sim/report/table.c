/* SPDX-License-Identifier: MIT */
/* Aligned tables for people. */

#include <inttypes.h>
#include <string.h>

#include "report.h"

void phyrsim_size_text(uint64_t len, char *text, size_t text_len)
{
	static const char units[] = "\0KMGTPE";
	size_t unit = 0;

	while (len && len % 1024 == 0 && unit < 6) {
		len /= 1024;
		unit++;
	}
	/* The first unit is the empty one: its letter ends the string. */
	(void)snprintf(text, text_len, "%" PRIu64 "%.1s%s", len, &units[unit],
		       unit ? "" : " bytes");
}

static char *add_cell(struct table *table)
{
	return table->cell[table->row_cnt - 1][table->column_cnt++];
}

void phyrsim_table_row(struct table *table, const char *name)
{
	if (table->row_cnt == 0)
		memset(table->cell, 0, sizeof(table->cell));
	table->row_cnt++;
	table->column_cnt = 0;
	phyrsim_table_text(table, name);
}

void phyrsim_table_text(struct table *table, const char *text)
{
	(void)snprintf(add_cell(table), TABLE_CELL, "%s", text);
}

void phyrsim_table_number(struct table *table, uint64_t number)
{
	(void)snprintf(add_cell(table), TABLE_CELL, "%" PRIu64, number);
}

void phyrsim_table_size(struct table *table, uint64_t len)
{
	phyrsim_size_text(len, add_cell(table), TABLE_CELL);
}

/* Width 0 is for a column of text at the end: to the left, without trailing blanks. */
static void print_cell(FILE *stream, const char *cell, int width)
{
	if (width || *cell)
		(void)fprintf(stream, "  %*s", width, cell);
}

void phyrsim_table_print(FILE *stream, const struct table *table)
{
	int width[TABLE_COLUMNS] = { 0 };

	for (unsigned int row = 0; row < table->row_cnt; row++)
		for (unsigned int column = 0; column < table->column_cnt; column++) {
			int len = (int)strlen(table->cell[row][column]);

			if (len > width[column])
				width[column] = len;
		}
	for (unsigned int row = 0; row < table->row_cnt; row++) {
		(void)fprintf(stream, "  %-*s", width[0], table->cell[row][0]);
		for (unsigned int column = 1; column < table->column_cnt; column++)
			print_cell(stream, table->cell[row][column],
				   column < table->text_column ? width[column] : 0);
		(void)fputc('\n', stream);
	}
}
