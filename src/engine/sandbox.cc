#include "engine/sandbox.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

#include "engine/fd.h"

namespace toll::engine {

namespace {

class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_ERRNO(EPERM))) {
    if (!context_) throw std::runtime_error("seccomp_init failed");
    check(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_TSYNC, 1), "TSYNC");
    check(seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "BADARCH");
  }

  void allow(std::initializer_list<int> calls) {
    for (int call : calls) check(seccomp_rule_add(context_.get(), SCMP_ACT_ALLOW, call, 0), name(call));
  }
  void allow_if(int call, scmp_arg_cmp condition) {
    check(seccomp_rule_add(context_.get(), SCMP_ACT_ALLOW, call, 1, condition), name(call));
  }
  void answer(int error, int call) {
    check(seccomp_rule_add(context_.get(), SCMP_ACT_ERRNO(static_cast<std::uint16_t>(error)), call, 0), name(call));
  }
  void kill(std::initializer_list<int> calls) {
    for (int call : calls) check(seccomp_rule_add(context_.get(), SCMP_ACT_KILL_PROCESS, call, 0), name(call));
  }
  void load() { check(seccomp_load(context_.get()), "load"); }

 private:
  static std::string name(int call) { return "system call " + std::to_string(call); }
  static void check(int result, const std::string& what) {
    if (result < 0) throw std::runtime_error("seccomp: " + what + ": " + std::generic_category().message(-result));
  }

  struct Release {
    void operator()(void* context) const { seccomp_release(context); }
  };
  std::unique_ptr<void, Release> context_;
};

void allow_files_already_open(Filter& filter) {
  filter.allow({SCMP_SYS(read),      SCMP_SYS(write),     SCMP_SYS(readv),     SCMP_SYS(writev),  SCMP_SYS(pread64),
                SCMP_SYS(pwrite64),  SCMP_SYS(preadv),    SCMP_SYS(pwritev),   SCMP_SYS(lseek),   SCMP_SYS(fstat),
                SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(fadvise64), SCMP_SYS(fsync),   SCMP_SYS(fdatasync),
                SCMP_SYS(close),     SCMP_SYS(dup),       SCMP_SYS(dup2),      SCMP_SYS(dup3),    SCMP_SYS(poll),
                SCMP_SYS(ppoll),     SCMP_SYS(eventfd2),  SCMP_SYS(sendmsg),   SCMP_SYS(recvmsg), SCMP_SYS(sendto),
                SCMP_SYS(recvfrom)});
  for (int command : {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL})
    filter.allow_if(SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, static_cast<scmp_datum_t>(command)));
  filter.allow_if(SCMP_SYS(newfstatat), SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
  filter.allow_if(SCMP_SYS(statx), SCMP_A2(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
}

// No new executable page: what runs is what was linked.
void allow_memory(Filter& filter) {
  filter.allow({SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk)});
  filter.allow_if(SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  filter.allow_if(SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

void allow_threads(Filter& filter) {
  filter.allow({SCMP_SYS(futex),
                SCMP_SYS(set_robust_list),
                SCMP_SYS(get_robust_list),
                SCMP_SYS(rseq),
                SCMP_SYS(exit),
                SCMP_SYS(exit_group),
                SCMP_SYS(sched_yield),
                SCMP_SYS(sched_getaffinity),
                SCMP_SYS(sched_setaffinity),
                SCMP_SYS(sched_getparam),
                SCMP_SYS(sched_getscheduler),
                SCMP_SYS(getcpu),
                SCMP_SYS(membarrier),
                SCMP_SYS(rt_sigaction),
                SCMP_SYS(rt_sigprocmask),
                SCMP_SYS(rt_sigreturn),
                SCMP_SYS(sigaltstack),
                SCMP_SYS(restart_syscall),
                SCMP_SYS(getpid),
                SCMP_SYS(gettid)});
  filter.allow_if(SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
  // clone3 keeps its flags in memory, where a filter cannot look; without it glibc uses clone.
  filter.answer(ENOSYS, SCMP_SYS(clone3));
  filter.allow_if(SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid())));
  filter.allow_if(SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
}

void allow_facts(Filter& filter) {
  filter.allow({SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
                SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom), SCMP_SYS(getrusage), SCMP_SYS(sysinfo),
                SCMP_SYS(uname), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid)});
  // Asking for limits, not setting them.
  filter.allow_if(SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0));
  filter.allow({SCMP_SYS(getrlimit)});
}

void kill_attacks(Filter& filter) {
  filter.kill({SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(bpf),
               SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load)});
}

// What the loader and a program that starts need. Which files may be opened is Landlock's to say; here, that they are
// read.
void allow_a_start(Filter& filter) {
  filter.allow({SCMP_SYS(execve),    SCMP_SYS(arch_prctl), SCMP_SYS(set_tid_address), SCMP_SYS(access),
                SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),        SCMP_SYS(readlinkat),
                SCMP_SYS(stat),      SCMP_SYS(lstat),      SCMP_SYS(newfstatat),      SCMP_SYS(statx),
                SCMP_SYS(statfs),    SCMP_SYS(fstatfs),    SCMP_SYS(getdents64),      SCMP_SYS(getcwd),
                SCMP_SYS(mmap),      SCMP_SYS(mprotect),   SCMP_SYS(munmap),          SCMP_SYS(mremap),
                SCMP_SYS(madvise),   SCMP_SYS(brk)});
  constexpr scmp_datum_t writing = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
  filter.allow_if(SCMP_SYS(open), SCMP_A1(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
  filter.allow_if(SCMP_SYS(openat), SCMP_A2(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
}

// Landlock: from now on files can be opened below these places only, and read only. glibc has no names for its calls.
void see_only(std::initializer_list<const char*> places) {
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs =
      LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
      LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
      LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
      LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
      LANDLOCK_ACCESS_FS_MAKE_SYM;
  const Fd rules(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!rules) throw std::runtime_error("this kernel has no Landlock");
  for (const auto* place : places) {
    const Fd folder(::open(place, O_PATH | O_CLOEXEC));
    if (!folder) continue;
    landlock_path_beneath_attr below{};
    below.parent_fd = folder.get();
    below.allowed_access = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE;
    struct stat status {};
    if (::fstat(folder.get(), &status) == 0 && S_ISDIR(status.st_mode))
      below.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
    if (::syscall(SYS_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &below, 0) != 0)
      throw std::runtime_error("landlock_add_rule failed");
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0)
    throw std::runtime_error("landlock_restrict_self failed");
}

}  // namespace

void enter_sandbox() {
  Filter filter;
  allow_files_already_open(filter);
  allow_memory(filter);
  allow_threads(filter);
  allow_facts(filter);
  kill_attacks(filter);
  filter.load();
}

void enter_tool_sandbox() {
  see_only({"/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/fonts", "/etc/alternatives",
            "/var/cache/fontconfig", "/etc/poppler", "/var/lib/ghostscript"});
  Filter filter;
  allow_files_already_open(filter);
  allow_threads(filter);
  allow_facts(filter);
  allow_a_start(filter);
  kill_attacks(filter);
  filter.load();
}

}  // namespace toll::engine
