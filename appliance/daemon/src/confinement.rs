//! What the process gives up before it hears anything from the network: it writes in its data folder alone (landlock), and makes no
//! system call that telephony has no use for (seccomp). The helpers that it starts are bound by the same.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};
use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus,
    path_beneath_rules,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};

/// Every right that this library knows of; an older kernel enforces those it knows.
const RIGHTS: ABI = ABI::V5;

/// What nobody may call: what changes the machine or other processes, loads code into the kernel, or has been a way into it before.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_personality,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_setgid,
    libc::SYS_setgroups,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_setregid,
    libc::SYS_setresgid,
    libc::SYS_setresuid,
    libc::SYS_setreuid,
    libc::SYS_settimeofday,
    libc::SYS_setuid,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
];

/// The kinds of sockets that there may be: all others are ways to drivers and to the wire itself.
const SOCKETS: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Gives it up for good, for this process and all that it starts; to be called while there is one thread.
pub fn enter(data: &Path) -> Result<()> {
    let landlock = keep_to(data).context("--confine: landlock")?;
    let filter = filter().context("--confine: seccomp")?;
    let program: BpfProgram = filter.try_into().context("--confine: seccomp")?;
    apply_filter(&program).context("--confine: seccomp")?;
    // SAFETY: it reads a number of this process and touches nothing.
    let user = unsafe { libc::geteuid() };
    tracing::info!(user, landlock, outside = try_outside(), refused = REFUSED.len(), "confined");
    Ok(())
}

/// Whether the kernel means it: a file outside the data folder, in the one that anybody may write in.
fn try_outside() -> &'static str {
    let path = std::env::temp_dir().join(format!("tandem-outside-{}", std::process::id()));
    match File::create_new(&path) {
        Err(_) => "refused",
        Ok(_) => {
            let _ = std::fs::remove_file(path);
            "not refused"
        }
    }
}

/// Everything may be read and run, as far as the user may, and the data folder be written; says how far the kernel sees to that.
fn keep_to(data: &Path) -> Result<&'static str> {
    let all = AccessFs::from_all(RIGHTS);
    let read = AccessFs::from_read(RIGHTS);
    // What helpers write goes nowhere, or to where the process itself has opened it.
    let nowhere = AccessFs::ReadFile | AccessFs::WriteFile;
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .create()?
        .add_rules(path_beneath_rules(["/"], read))?
        .add_rules(path_beneath_rules(["/dev/null"], nowhere))?
        .add_rules(path_beneath_rules([data], all))?
        .restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => "complete",
        RulesetStatus::PartiallyEnforced => "as far as this kernel can",
        RulesetStatus::NotEnforced => "not in this kernel",
    })
}

fn filter() -> Result<SeccompFilter> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let other = |kind: i32| SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, kind as u64);
    let none_of_ours = SOCKETS.into_iter().map(other).collect::<Result<Vec<_>, _>>()?;
    rules.insert(libc::SYS_socket, vec![SeccompRule::new(none_of_ours)?]);
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    Ok(SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?)
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::{TcpListener, UdpSocket};
    use std::process::Command;

    use super::*;

    /// A thread of its own is bound, and takes its bonds with it.
    fn confined<T: Send + 'static>(story: impl FnOnce(&Path) -> T + Send + 'static) -> T {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let data = folder.path().to_owned();
        let bound = std::thread::spawn(move || {
            enter(&data).expect("this kernel has both");
            story(&data)
        });
        bound.join().expect("the story is as it should be")
    }

    #[test]
    fn files_are_written_in_the_data_folder_alone() {
        let outside = tempfile::tempdir().expect("a temporary folder can be made");
        let path = outside.path().join("file");
        confined(move |data| {
            std::fs::create_dir(data.join("deep")).expect("it is the data folder");
            std::fs::write(data.join("deep/file"), "x").expect("it is the data folder");
            std::fs::rename(data.join("deep/file"), data.join("file")).expect("it is the data folder");
            let refused = std::fs::write(&path, "x").expect_err("it is outside");
            assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
            assert!(std::fs::read_to_string("/etc/hostname").is_ok() || !Path::new("/etc/hostname").exists());
        });
    }

    #[test]
    fn helpers_run_and_are_bound_as_well() {
        let outside = tempfile::tempdir().expect("a temporary folder can be made");
        let path = outside.path().join("file");
        confined(move |data| {
            let touch = |path: &Path| Command::new("/usr/bin/touch").arg(path).output().expect("there is a touch");
            assert!(touch(&data.join("file")).status.success());
            assert!(!touch(&path).status.success());
        });
    }

    #[test]
    fn sockets_of_telephony_open_and_all_others_do_not() {
        confined(|_| {
            TcpListener::bind("127.0.0.1:0").expect("TCP");
            UdpSocket::bind("[::1]:0").or_else(|_| UdpSocket::bind("127.0.0.1:0")).expect("UDP");
            std::os::unix::net::UnixStream::pair().expect("a pair");
            // SAFETY: plain numbers.
            let (packet, alg) =
                unsafe { (libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0), libc::socket(libc::AF_ALG, 5, 0)) };
            assert_eq!((packet, alg), (-1, -1));
            assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(libc::EPERM));
        });
    }

    #[test]
    fn what_changes_the_machine_is_refused() {
        confined(|_| {
            // SAFETY: each call is refused before it looks at anything.
            let refused = unsafe {
                [
                    libc::unshare(libc::CLONE_NEWNET),
                    libc::sethostname(c"x".as_ptr(), 1),
                    libc::chroot(c"/".as_ptr()),
                    libc::setns(0, 0),
                ]
            };
            assert_eq!(refused, [-1; 4]);
            assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(libc::EPERM));
        });
    }
}
