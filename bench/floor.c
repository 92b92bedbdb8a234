/*
 * The floor: what a server costs before it does anything. N processes share one listener and each accepts a connection,
 * reads once, writes a constant response and closes. No server in any language is faster on the same machine by this way
 * of serving (one connection a request, blocking system calls).
 *
 *     cc -O2 -o tmp/floor bench/floor.c && tmp/floor 2 0 response.txt       port 0: the kernel chooses, and it is printed
 *                                          tmp/floor 2 /path.sock response.txt
 *
 * The response is read from a file, so that a benchmark can replay byte for byte what the server it is compared with sends.
 * SIGTERM ends the parent, and with it the others.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char response[64 * 1024];
static size_t response_size;

static void check(int result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
}

static int listen_tcp(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	check(listener, "socket");
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* accepted sockets inherit it */
	check(bind(listener, (struct sockaddr *)&address, size), "bind");
	check(listen(listener, 1024), "listen");
	check(getsockname(listener, (struct sockaddr *)&address, &size), "getsockname");
	printf("listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
	return listener;
}

static int listen_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(listener, "socket");
	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	unlink(path);
	check(bind(listener, (struct sockaddr *)&address, sizeof address), path);
	check(listen(listener, 1024), "listen");
	printf("listening on unix:%s\n", path);
	return listener;
}

static void serve(int listener)
{
	char request[16 * 1024];

	for (;;) {
		int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (client < 0)
			continue;
		if (recv(client, request, sizeof request, 0) > 0)
			send(client, response, response_size, MSG_NOSIGNAL);
		close(client);
	}
}

int main(int argc, char **argv)
{
	FILE *file = argc == 4 ? fopen(argv[3], "rb") : NULL;
	int listener;

	if (!file) {
		fprintf(stderr, "usage: floor PROCESSES PORT|/path.sock RESPONSE-FILE\n");
		return 2;
	}
	response_size = fread(response, 1, sizeof response, file);
	fclose(file);
	listener = argv[2][0] == '/' ? listen_unix(argv[2]) : listen_tcp(atoi(argv[2]));
	fflush(stdout);
	for (int n = atoi(argv[1]); n > 0; n--) {
		pid_t parent = getpid(), child = fork();

		check(child, "fork");
		if (child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() == parent) /* else it ended before the prctl */
				serve(listener);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	return 0;
}
