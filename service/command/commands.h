/* The subcommands. Each takes the arguments after its name and returns the exit status: 0, 1 for a failure, 2 for a wrong
 * command line or setting. */
#ifndef TRACEKIN_SERVICE_COMMANDS_H
#define TRACEKIN_SERVICE_COMMANDS_H

int service_command_serve(int argc, char **argv);
int service_command_migrate(int argc, char **argv);
int service_command_index(int argc, char **argv);
int service_command_import(int argc, char **argv);
int service_command_api_key(int argc, char **argv);
int service_command_healthcheck(int argc, char **argv);
int service_command_check_config(int argc, char **argv);
int service_command_version(int argc, char **argv);

#endif
