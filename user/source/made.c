// SPDX-License-Identifier: GPL-2.0
#include "source/made.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mmuscope/decode.h>

void made_init(struct made *m, uint64_t now)
{
	memset(m, 0, sizeof(*m));
	m->now = now;
}

void made_free(struct made *m)
{
	free(m->rec);
	m->rec = NULL;
}

void made_begin(struct made *m, uint64_t now)
{
	m->since = m->now;
	m->now = now;
}

int made_next(struct made *m, const struct mmuscope_hdr **rec)
{
	if (m->read == m->len)
		return 0;
	*rec = (void *)((char *)m->rec + m->read);
	m->read += (*rec)->size;
	return 1;
}

void made_release(struct made *m)
{
	if (m->read == m->len)
		m->read = m->len = 0;
}

static struct mmuscope_hdr *made_add(struct made *m, size_t size)
{
	struct mmuscope_hdr *hdr;

	if (m->len + size > m->room) {
		size_t room = m->room ? 2 * m->room : 16384;
		void *mem = realloc(m->rec, room);

		if (!mem)
			return NULL;
		m->rec = mem;
		m->room = room;
	}
	hdr = (void *)((char *)m->rec + m->len);
	memset(hdr, 0, size);
	hdr->ts = m->now;
	hdr->dur = m->now - m->since;
	hdr->size = size;
	m->len += size;
	return hdr;
}

int made_exits(struct made *m, const struct made_vcpu *who, unsigned int index, uint64_t count,
	       uint64_t ns)
{
	struct mmuscope_exits *rec;

	if (!count)
		return 0;
	rec = (void *)made_add(m, sizeof(*rec));
	if (!rec)
		return -ENOMEM;
	rec->hdr.type = MMUSCOPE_TYPE_exits;
	rec->hdr.vm = who->vm;
	rec->hdr.vcpu = who->vcpu;
	rec->count = count;
	rec->ns = ns;
	rec->reason = exit_reason(index);
	rec->isa = who->isa;
	return 0;
}

int made_lost(struct made *m, uint32_t cpu, uint8_t stage, uint64_t count)
{
	struct mmuscope_lost *rec;

	if (!count)
		return 0;
	rec = (void *)made_add(m, sizeof(*rec));
	if (!rec)
		return -ENOMEM;
	rec->hdr.type = MMUSCOPE_TYPE_lost;
	rec->hdr.vcpu = MMUSCOPE_NO_VCPU;
	rec->count = count;
	rec->cpu = cpu;
	rec->stage = stage;
	return 0;
}
