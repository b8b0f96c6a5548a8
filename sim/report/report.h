/* SPDX-License-Identifier: MIT */
/* What text and JSON share: names of rows and sizes for people, and aligned tables. */
#ifndef PHYRSIM_REPORT_PRIVATE_H
#define PHYRSIM_REPORT_PRIVATE_H

#include <phyrsim/report.h>

#define TABLE_ROWS 20
#define TABLE_COLUMNS 13
#define TABLE_CELL 256

/* A table of cells that is printed once all of them are known. */
struct table {
	char cell[TABLE_ROWS][TABLE_COLUMNS][TABLE_CELL];
	unsigned int row_cnt;
	unsigned int column_cnt;
	unsigned int text_column; /* from here on cells are text, to the left */
};

/* Starts a row; cells are then added from left to right. */
void phyrsim_table_row(struct table *table, const char *name);
void phyrsim_table_text(struct table *table, const char *text);
void phyrsim_table_number(struct table *table, uint64_t number);
void phyrsim_table_size(struct table *table, uint64_t len);
/* Writes the table, its first column and text to the left, numbers to the right. */
void phyrsim_table_print(FILE *stream, const struct table *table);

/* "4K", "2M", "1G": exact, in the largest unit that divides it. */
void phyrsim_size_text(uint64_t len, char *text, size_t text_len);

/* Short names of strategies and namings, the same in both formats. */
const char *phyrsim_strategy_name(enum phyrsim_strategy strategy);
const char *phyrsim_naming_name(enum phyrsim_naming naming);

/* Short names, the same in both formats. */
const char *phyrsim_case_name(enum phyrsim_case which);
const char *phyrsim_mix_name(enum phyrsim_mix mix);
const char *phyrsim_flushing_name(enum phyrsim_flushing flushing);

int phyrsim_report_text(FILE *stream, const struct phyrsim_report_item *items, size_t item_cnt);
int phyrsim_report_json(FILE *stream, const struct phyrsim_report_item *items, size_t item_cnt);
int phyrsim_cases_text(FILE *stream, const struct phyrsim_case_row *rows, size_t row_cnt);
int phyrsim_cases_json(FILE *stream, const struct phyrsim_case_row *rows, size_t row_cnt);

#endif
