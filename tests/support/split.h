/* SPDX-License-Identifier: MIT */
/* split.h - one input, cut in every way, must have one outcome. */
#ifndef SPLIT_H
#define SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session.h"

/* One input and what surrounds it. */
struct scene {
    enum role   role;
    struct blob bytes; /* what the peer sends */
    bool        eof;   /* and then its stream ends */
    app_fn     *app;   /* called with the session of the run */
    void       *user;  /* the session's */
    void      (*configure)(upf_config *config);
};

/* What it came to. */
struct outcome {
    struct blob log;
    struct blob output;
};

/*
 * Run the scene: whole; byte by byte; byte by byte with empty inputs and
 * one-byte writes between; cut in two at every point; through
 * upf_conn_room(). The pieces end, or begin, at an unreadable page, and are
 * overwritten when they were worked off. The test fails unless all runs have
 * the same log and the same output. Scenes that are long are cut at fewer
 * points.
 *
 *   outcome  of all of them; the caller frees it; may be NULL
 */
void scene_run(const struct scene *scene, struct outcome *outcome);

void outcome_free(struct outcome *outcome);

/* Run it and compare log and frames; then free the scene's bytes. */
#define assert_scene(scene, log, frames) \
    assert_same_scene(scene, log, frames, __FILE__, __LINE__)
void assert_same_scene(struct scene *scene, const char *log,
                       const char *frames, const char *file, int line);

#endif
