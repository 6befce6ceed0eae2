/* SPDX-License-Identifier: MIT */
/* status_advice.c - an outcome's advice. In a file of its own, so that programs
 * that do not use it do not link it. */

#include "status_advice.h"

const char *upf_status_advice(upf_status status)
{
    switch (status) {
#define ADVICE(status, text) case status: return text;
#include "status_rows.h"
    default: return "Try again.";
    }
}
