/* QEMU user-mode plugin: how many guest instructions a process has executed at each of its marks, one line a mark,
   in the file $ICOUNT_OUT. A mark is a call of getppid, which no library here makes.
   The few declarations of qemu-plugin.h that it needs stand here, as Debian ships no header for qemu-user. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define PLUGIN_API 1
#define INLINE_ADD 0
#define GETPPID 173 /* on arm64 */
struct block;
struct info;
typedef uint64_t plugin;

extern size_t qemu_plugin_tb_n_insns(const struct block *block);
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin id, void (*call)(plugin, struct block *));
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct block *block, int operation, void *counter, uint64_t add);
extern void qemu_plugin_register_vcpu_syscall_cb(plugin id, void (*call)(plugin, unsigned, int64_t, uint64_t, uint64_t,
                                                 uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t));

__attribute__((visibility("default"))) int qemu_plugin_version = PLUGIN_API;
static uint64_t executed;
static FILE *out;

static void translated(plugin id, struct block *block) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_inline(block, INLINE_ADD, &executed, qemu_plugin_tb_n_insns(block));
}

static void called(plugin id, unsigned processor, int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                   uint64_t e, uint64_t f, uint64_t g, uint64_t h) {
  (void)id, (void)processor, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
  if (number == GETPPID) fprintf(out, "%" PRIu64 "\n", executed), fflush(out);
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin id, const struct info *info, int count, char **words) {
  (void)info, (void)count, (void)words;
  const char *path = getenv("ICOUNT_OUT");
  out = path ? fopen(path, "w") : stderr;
  if (!out) return 1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_vcpu_syscall_cb(id, called);
  return 0;
}
