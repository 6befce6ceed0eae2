/* SPDX-License-Identifier: MIT */
/* certs.c - certificates that the openssl command makes, for one program. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/wait.h>
#include <unistd.h>

#include "certs.h"

static char dir[] = "/tmp/upframe-certs-XXXXXX";

/* What it prints is of use to nobody but who looks for it in `dir`. */
static bool run(const char *command)
{
    char line[1024];

    snprintf(line, sizeof line, "cd %s && %s >>log 2>&1", dir, command);
    const int status = system(line);
    return status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool make(const char *name, const char *hosts)
{
    char command[512];

    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
             "-nodes -days 2 -subj /CN=%s -addext subjectAltName=%s "
             "-keyout %s.key -out %s.pem", name, hosts, name, name);
    return run(command);
}

bool certs_begin(void)
{
    static const char local[] = "IP:127.0.0.1,DNS:localhost";

    return mkdtemp(dir) != NULL && make("here", local) &&
           make("impostor", local) &&
           make("elsewhere", "DNS:elsewhere.example") &&
           run("cp here.key expired.key && openssl x509 -in here.pem "
               "-signkey here.key -days -1 -out expired.pem");
}

void certs_end(void)
{
    char command[64];

    snprintf(command, sizeof command, "rm -rf %s", dir);
    (void)!system(command);
}

cert_path certs_path(const char *file)
{
    cert_path path;

    snprintf(path.text, sizeof path.text, "%s/%s", dir, file);
    return path;
}
