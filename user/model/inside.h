/* SPDX-License-Identifier: GPL-2.0 */
/* What a model consists of, for those who feed it or keep it in a file; others ask model.h. */
#ifndef MODEL_INSIDE_H
#define MODEL_INSIDE_H

#include "model/model.h"

/**
 * struct model
 * @vms: in the order seen, @nr_vms of them, owned
 * @by_id: who has this number now, @nr_ids of them
 * @cause: of the last fault
 * @first: begin of the first activity
 * @last: end of the last one
 * @from_sums: there is no history, @use and the VMs' @sizes tell what it was like
 */
struct model {
	model_name_fn name;
	void *ctx;
	struct vm **vms;
	size_t nr_vms;
	struct vm **by_id;
	size_t nr_ids;
	struct ledger now;
	struct ledger past;
	struct history *history;
	struct fault_cause cause;
	uint64_t first;
	uint64_t last;
	bool from_sums;
	struct history_use use;
};

/* A VM that has the number @id from @ts on. Return: the VM, or NULL when memory is short. */
struct vm *model_vm_new(struct model *m, uint16_t id, uint64_t ts);

#endif /* MODEL_INSIDE_H */
