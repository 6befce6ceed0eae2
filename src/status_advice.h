/* SPDX-License-Identifier: MIT */
/* status_advice.h - advice for the person who reads a server's refusal. */
#ifndef UPF_STATUS_ADVICE_H
#define UPF_STATUS_ADVICE_H

#include <upframe/status.h>

/* One or two sentences, each with its full stop; a static string. */
const char *upf_status_advice(upf_status status);

#endif
