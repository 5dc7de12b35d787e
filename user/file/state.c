// SPDX-License-Identifier: GPL-2.0
#include "file/state.h"

#include <errno.h>
#include <stdio.h>

union entry {
	struct mmuscope_hdr hdr;
	struct mmuscope_vm vm;
	struct mmuscope_vcpu vcpu;
	struct mmuscope_slot slot;
};

struct name {
	uint16_t vm;
	uint32_t pid;
	char *text;
};

struct state {
	union entry *list;
	size_t nr;
	size_t room;
	struct name *names;
	size_t nr_names;
};

struct state *state_new(void)
{
	return calloc(1, sizeof(struct state));
}

void state_free(struct state *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nr_names; i++)
		free(s->names[i].text);
	free(s->names);
	free(s->list);
	free(s);
}

/* Whether @a is replaced by @b, being about the same VM, vCPU or memslot. */
static bool same(const union entry *a, const struct mmuscope_hdr *b)
{
	if (a->hdr.type != b->type || a->hdr.vm != b->vm)
		return false;
	if (b->type == MMUSCOPE_TYPE_vcpu)
		return a->hdr.vcpu == b->vcpu;
	return b->type == MMUSCOPE_TYPE_vm ||
	       a->slot.slot == ((const struct mmuscope_slot *)b)->slot;
}

/* What belongs to a VM that is gone says nothing of the next one of that number. */
static void forget(struct state *s, uint16_t vm)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->nr; i++)
		if (s->list[i].hdr.vm != vm)
			s->list[kept++] = s->list[i];
	s->nr = kept;
	kept = 0;
	for (size_t i = 0; i < s->nr_names; i++) {
		if (s->names[i].vm == vm)
			free(s->names[i].text);
		else
			s->names[kept++] = s->names[i];
	}
	s->nr_names = kept;
}

static bool is_end(const struct mmuscope_hdr *rec)
{
	if (rec->type == MMUSCOPE_TYPE_slot)
		return ((const struct mmuscope_slot *)rec)->op == MMUSCOPE_slot_op_delete;
	if (rec->type == MMUSCOPE_TYPE_vcpu)
		return ((const struct mmuscope_vcpu *)rec)->op == MMUSCOPE_life_destroyed;
	return ((const struct mmuscope_vm *)rec)->op == MMUSCOPE_life_destroyed;
}

/* Who reads it later must not count it as something that happened. */
static void set_found(union entry *e)
{
	if (e->hdr.type == MMUSCOPE_TYPE_vm)
		e->vm.op = MMUSCOPE_life_found;
	else if (e->hdr.type == MMUSCOPE_TYPE_vcpu)
		e->vcpu.op = MMUSCOPE_life_found;
	else
		e->slot.op = MMUSCOPE_slot_op_found;
}

static union entry *entry_new(struct state *s)
{
	union entry *grown;
	size_t room;

	if (s->nr == s->room) {
		room = s->room ? 2 * s->room : 16;
		grown = realloc(s->list, room * sizeof(*grown));
		if (!grown)
			return NULL;
		s->list = grown;
		s->room = room;
	}
	return &s->list[s->nr++];
}

int state_feed(struct state *s, const struct mmuscope_hdr *rec)
{
	union entry *e = NULL;

	if (rec->type != MMUSCOPE_TYPE_vm && rec->type != MMUSCOPE_TYPE_vcpu &&
	    rec->type != MMUSCOPE_TYPE_slot)
		return 0;
	if (rec->type == MMUSCOPE_TYPE_vm && is_end(rec)) {
		forget(s, rec->vm);
		return 0;
	}
	for (size_t i = 0; i < s->nr && !e; i++)
		if (same(&s->list[i], rec))
			e = &s->list[i];
	if (is_end(rec)) {
		if (e)
			*e = s->list[--s->nr];
		return 0;
	}
	if (!e)
		e = entry_new(s);
	if (!e)
		return -ENOMEM;
	memset(e, 0, sizeof(*e));
	memcpy(e, rec, rec->size < sizeof(*e) ? rec->size : sizeof(*e));
	set_found(e);
	return 0;
}

bool state_has_name(const struct state *s, uint16_t vm)
{
	for (size_t i = 0; i < s->nr_names; i++)
		if (s->names[i].vm == vm)
			return true;
	return false;
}

int state_name(struct state *s, uint16_t vm, uint32_t pid, const char *name)
{
	struct name *grown;

	for (size_t i = 0; i < s->nr_names; i++)
		if (s->names[i].vm == vm && s->names[i].pid == pid &&
		    !strcmp(s->names[i].text, name))
			return 0;
	grown = realloc(s->names, (s->nr_names + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->names = grown;
	grown += s->nr_names;
	*grown = (struct name){ vm, pid, strdup(name) };
	if (!grown->text)
		return -ENOMEM;
	s->nr_names++;
	return 0;
}

size_t state_records(const struct state *s)
{
	return s->nr;
}

const struct mmuscope_hdr *state_record(const struct state *s, size_t index)
{
	return &s->list[index].hdr;
}

void state_put_name(struct bytes *out, uint16_t vm, uint32_t pid, const char *name)
{
	char number[32];
	int len = snprintf(number, sizeof(number), "%u %u ", vm, pid);

	bytes_put(out, number, len);
	bytes_put(out, name, strlen(name));
	bytes_put_u8(out, '\n');
}

void state_names(const struct state *s, struct bytes *out)
{
	for (size_t i = 0; i < s->nr_names; i++)
		state_put_name(out, s->names[i].vm, s->names[i].pid, s->names[i].text);
}
