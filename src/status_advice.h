/* SPDX-License-Identifier: MIT */
/* status_advice.h - what whoever reads a server's refusal can do about it. */
#ifndef UPF_STATUS_ADVICE_H
#define UPF_STATUS_ADVICE_H

#include <upframe/status.h>

/* One or two sentences, each with its full stop; a static string. */
const char *upf_status_advice(upf_status status);

#endif
