/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Runs up to three threads, one at a time, in every order of their steps that takes few
 *        preemptions.
 *
 * Threads are coroutines that stop at step_at(), which the code under test calls before each
 * atomic operation. A schedule says who goes on wherever there is a choice. step_next() turns it
 * into the next one, depth first: to let a thread wait that could go on is a preemption, to choose
 * when the running one waits or has ended costs nothing. So the order of the threads' memory
 * operations is covered, and not what a machine makes of it: that is for the thread sanitizer.
 *
 * A thread that looks at the lock's word again and finds it still set waits until it is not.
 *
 * A schedule is told as the choices that differ from the first one, each after the number of the
 * point where it is taken. PHYR_SCHEDULE, with what a failure tells, runs this one alone (of every
 * case). PHYR_PREEMPTIONS allows so many more.
 */
#ifndef PHYR_STEP_H
#define PHYR_STEP_H

#include <signal.h>
#include <stdio.h>
#include <ucontext.h>
#include <unistd.h>

#include "test.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#if __has_feature(thread_sanitizer) && !defined(__SANITIZE_THREAD__)
#define __SANITIZE_THREAD__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#else
#define __sanitizer_start_switch_fiber(save, bottom, size) ((void)0)
#define __sanitizer_finish_switch_fiber(save, bottom, size) ((void)0)
#define __sanitizer_set_death_callback(callback) ((void)0)
#endif

/** Most threads of a run. */
#define STEP_THREADS 3
/** Steps of a run that never ends, with what comes before and after. */
#define STEP_MOST 20000
#define STEP_STACK_LEN (256 * 1024)

/** A thread, or, with neither stack nor act, who started them. */
struct step_thread {
	ucontext_t context;
	const void *stack;
	size_t stack_len;
	void *fake; /* the address sanitizer's */
	void (*act)(unsigned int thread);
	bool ended;
	bool waits;	 /* for the lock */
	bool saw_locked; /* its last step found the lock's word set */
};

/** A point of a schedule where more than one thread could go on. */
struct step_point {
	unsigned int chosen;
	unsigned int cnt;
};

static struct {
	struct step_thread threads[STEP_THREADS];
	struct step_thread starter;
	struct step_thread *from; /* of the last switch */
	unsigned int cnt, left;
	unsigned int running; /* cnt: none of the threads */
	const uintptr_t *lock;
	void (*look)(void); /* called at every step */
	const char *wrong;  /* the first thing that does not hold */
	const char *name;
	unsigned int preemptions_max, preemptions;
	size_t steps;
	uint64_t runs;
	bool again; /* one schedule alone */
	struct step_point points[STEP_MOST + STEP_THREADS];
	size_t point, known;
} stepper;

#ifdef __SANITIZE_ADDRESS__
/* Every run makes and frees a space: what is freed is kept from use for a while, not for ever. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=4";
}
#endif

static char step_stacks[STEP_THREADS][STEP_STACK_LEN];

/** Tells the schedule that is running, in calls that may be made at any time. */
static void step_tell(void)
{
	char text[96];
	int len = snprintf(text, sizeof(text), "%s, schedule %llu: PHYR_SCHEDULE='",
			   stepper.name ? stepper.name : "nothing",
			   (unsigned long long)stepper.runs);

	for (size_t i = 0; i < stepper.point; i++) {
		(void)!write(STDERR_FILENO, text, (size_t)len);
		len = 0;
		if (stepper.points[i].chosen)
			len = snprintf(text, sizeof(text), "%zu:%u ", i, stepper.points[i].chosen);
	}
	(void)!write(STDERR_FILENO, text, (size_t)len);
	(void)!write(STDERR_FILENO, "'\n", 2);
}

/** What a trap in the code under test, or a damaged pointer, comes to. */
static void step_crash(int number)
{
	step_tell();
	signal(number, SIG_DFL);
	raise(number);
}

static void step_switch(struct step_thread *from, struct step_thread *to)
{
	stepper.from = from;
	__sanitizer_start_switch_fiber(from->ended ? NULL : &from->fake, to->stack, to->stack_len);
	swapcontext(&from->context, &to->context);
	__sanitizer_finish_switch_fiber(from->fake, NULL, NULL);
}

/** Notes what does not hold. A thread does not go on then; what it holds is lost. */
static void step_note(bool holds, const char *what)
{
	if (holds || stepper.wrong)
		return;
	stepper.wrong = what;
	step_tell();
	if (stepper.running < stepper.cnt) {
		struct step_thread *thread = &stepper.threads[stepper.running];

		stepper.running = stepper.cnt;
		step_switch(thread, &stepper.starter);
	}
}

/* What the schedule says, or the first choice where it says nothing yet. */
static unsigned int step_choose(unsigned int cnt)
{
	struct step_point *point = &stepper.points[stepper.point];

	if (stepper.point == stepper.known) {
		point->chosen = 0;
		point->cnt = cnt;
		stepper.known++;
	}
	stepper.point++;
	/* Without it schedules would be left out, or told that nobody can run. */
	step_note(stepper.again || point->cnt == cnt, "a schedule does not run as it did before");
	return point->chosen < cnt ? point->chosen : 0;
}

static bool step_ready(unsigned int thread)
{
	const struct step_thread *t = &stepper.threads[thread];

	return !t->ended && !(t->waits && __atomic_load_n(stepper.lock, __ATOMIC_RELAXED));
}

/* Lets a thread go on: the running one, if it can, or another. */
static void step_decide(struct step_thread *from)
{
	unsigned int choices[STEP_THREADS], cnt = 0, chosen;
	unsigned int last = stepper.running;
	bool stays = last < stepper.cnt && step_ready(last);

	if (stays)
		choices[cnt++] = last;
	for (unsigned int i = 0; i < stepper.cnt; i++)
		if (i != last && step_ready(i) &&
		    (!stays || stepper.preemptions < stepper.preemptions_max))
			choices[cnt++] = i;
	step_note(cnt > 0, "all wait for one another");
	chosen = cnt > 1 ? step_choose(cnt) : 0;
	stepper.preemptions += stays && chosen > 0;
	stepper.running = choices[chosen];
	if (&stepper.threads[stepper.running] != from)
		step_switch(from, &stepper.threads[stepper.running]);
}

/** What the code under test calls before it touches an atomic word. */
static void step_at(const uintptr_t *word)
{
	struct step_thread *thread;

	stepper.steps++;
	if (stepper.running == stepper.cnt) {
		if (stepper.steps == STEP_MOST)
			fail_msg("what comes before or after a run does not end");
		return;
	}
	thread = &stepper.threads[stepper.running];
	step_note(stepper.steps < STEP_MOST, "a run does not end");
	stepper.look();
	thread->waits = word == stepper.lock && thread->saw_locked &&
			__atomic_load_n(word, __ATOMIC_RELAXED);
	step_decide(thread);
	thread->waits = false;
	thread->saw_locked = word == stepper.lock && __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void step_main(void)
{
	struct step_thread *thread = &stepper.threads[stepper.running];

	if (stepper.from == &stepper.starter)
		__sanitizer_finish_switch_fiber(NULL, &stepper.starter.stack,
						&stepper.starter.stack_len);
	else
		__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
	thread->act(stepper.running);
	thread->ended = true;
	if (--stepper.left > 0)
		step_decide(thread);
	stepper.running = stepper.cnt;
	step_switch(thread, &stepper.starter);
}

/** Runs threads by the schedule; returns when all have ended, or something does not hold. */
static void step_run(unsigned int cnt, void (*act)(unsigned int thread), const uintptr_t *lock)
{
	stepper.cnt = stepper.left = stepper.running = cnt;
	stepper.lock = lock;
	stepper.steps = stepper.preemptions = 0;
	stepper.point = 0;
	stepper.runs++;
	for (unsigned int i = 0; i < cnt; i++) {
		struct step_thread *thread = &stepper.threads[i];

		memset(thread, 0, sizeof(*thread));
		thread->act = act;
		thread->stack = step_stacks[i];
		thread->stack_len = STEP_STACK_LEN;
		assert_int_equal(getcontext(&thread->context), 0);
		thread->context.uc_stack.ss_sp = step_stacks[i];
		thread->context.uc_stack.ss_size = STEP_STACK_LEN;
		makecontext(&thread->context, step_main, 0);
	}
	step_decide(&stepper.starter);
}

/** The next schedule; false when there is none. */
static bool step_next(void)
{
	size_t i = stepper.known;

	while (i > 0 && stepper.points[i - 1].chosen + 1 == stepper.points[i - 1].cnt)
		i--;
	stepper.known = i;
	if (i == 0 || stepper.again)
		return false;
	stepper.points[i - 1].chosen++;
	return true;
}

/* Reads what step_tell() told. */
static void step_read(const char *text)
{
	memset(stepper.points, 0, sizeof(stepper.points));
	stepper.known = STEP_MOST;
	while (*text) {
		char *end;
		unsigned long long i = strtoull(text, &end, 10);

		assert_true(i < STEP_MOST && *end == ':');
		stepper.points[i].chosen = (unsigned int)strtoul(end + 1, &end, 10);
		text = end + strspn(end, " ");
	}
}

/** Starts with the first schedule of so many preemptions, or with that of PHYR_SCHEDULE. */
static void step_begin(const char *name, unsigned int preemptions_max, void (*look)(void))
{
	static const int signals[] = {
		SIGILL,	 SIGTRAP, SIGABRT,
#ifndef __SANITIZE_ADDRESS__
		SIGSEGV, SIGBUS,
#endif
	};
	const char *schedule = getenv("PHYR_SCHEDULE");

	stepper.name = name;
	stepper.preemptions_max =
		preemptions_max + (unsigned int)test_number("PHYR_PREEMPTIONS", 0);
	stepper.look = look;
	stepper.wrong = NULL;
	stepper.runs = 0;
	stepper.known = 0;
	stepper.again = schedule != NULL;
	if (schedule)
		step_read(schedule);
	for (size_t i = 0; i < CNT(signals); i++)
		signal(signals[i], step_crash);
	__sanitizer_set_death_callback(step_tell);
}

#endif
