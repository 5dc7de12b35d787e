/* SPDX-License-Identifier: GPL-2.0 */
/* The subcommands. Each parses its own options and returns the exit code. */
#ifndef CMD_CMD_H
#define CMD_CMD_H

/* Exit codes, as --help documents them; stat and record with a command have the command's. */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

int cmd_diff(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_heatmap(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_lab(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_script(int argc, char **argv);
int cmd_slots(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_translate(int argc, char **argv);

#endif /* CMD_CMD_H */
