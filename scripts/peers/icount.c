/* QEMU user-mode plugin: how many guest instructions a process executed, written to the file $ICOUNT_OUT at its end.
   The few declarations of qemu-plugin.h that it needs stand here, as Debian ships no header for qemu-user. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define PLUGIN_API 1
#define INLINE_ADD 0
struct block;
struct info;
typedef uint64_t plugin;

extern size_t qemu_plugin_tb_n_insns(const struct block *block);
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin id, void (*call)(plugin, struct block *));
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct block *block, int operation, void *counter, uint64_t add);
extern void qemu_plugin_register_atexit_cb(plugin id, void (*call)(plugin, void *), void *data);

__attribute__((visibility("default"))) int qemu_plugin_version = PLUGIN_API;
static uint64_t executed;

static void translated(plugin id, struct block *block) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_inline(block, INLINE_ADD, &executed, qemu_plugin_tb_n_insns(block));
}

static void ended(plugin id, void *data) {
  (void)id, (void)data;
  const char *path = getenv("ICOUNT_OUT");
  FILE *out = path ? fopen(path, "w") : stderr;
  if (out) fprintf(out, "%" PRIu64 "\n", executed), fflush(out);
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin id, const struct info *info, int count, char **words) {
  (void)info, (void)count, (void)words;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, ended, NULL);
  return 0;
}
