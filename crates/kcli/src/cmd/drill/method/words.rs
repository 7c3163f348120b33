//! What is said to a machine far away. Nothing is run here.

use clap::ValueEnum;

/// `--mode`: how a node is struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// SIGKILL: it ends in the middle of whatever it does
    Kill9,
    /// SIGTERM: it is asked to stop, and hands over first
    Term,
    /// As term; where a supervisor runs it, the supervisor stops it and leaves it stopped
    Stop,
    /// SIGSTOP: it hangs, and its connections stay open
    Pause,
}

impl Mode {
    /// What it does, for sentences.
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Kill9 => "killed (SIGKILL)",
            Self::Term => "asked to stop (SIGTERM)",
            Self::Stop => "stopped",
            Self::Pause => "paused (SIGSTOP)",
        }
    }
}

/// The command that does it on the node's own machine.
pub(super) fn strike(mode: Mode, service: &str) -> String {
    match mode {
        Mode::Kill9 => format!("sudo kill -9 $(pidof {service})"),
        Mode::Term => format!("sudo kill -15 $(pidof {service})"),
        Mode::Stop => format!("sudo systemctl stop {service}"),
        Mode::Pause => format!("sudo kill -STOP $(pidof {service})"),
    }
}

/// The command that undoes it there.
pub(super) fn restore(mode: Mode, service: &str) -> String {
    match mode {
        Mode::Pause => format!("sudo kill -CONT $(pidof {service})"),
        Mode::Kill9 | Mode::Term | Mode::Stop => format!("sudo systemctl start {service}"),
    }
}

/// A text of the user's with `{id}` and `{host}` filled in.
pub(super) fn filled(text: &str, id: i32, host: &str) -> String {
    text.replace("{id}", &id.to_string())
        .replace("{host}", host)
}

/// `ssh` without questions: a password prompt in the middle of a drill helps nobody.
pub(super) fn ssh(host: &str, command: &str) -> Vec<String> {
    let words = [
        "ssh",
        "-o",
        "BatchMode=yes",
        "-o",
        "ConnectTimeout=10",
        host,
        command,
    ];
    words.map(str::to_owned).into()
}

/// `gcloud compute ssh`.
pub(super) fn gcloud(
    instance: &str,
    zone: Option<&str>,
    project: Option<&str>,
    command: &str,
) -> Vec<String> {
    let mut words: Vec<String> = ["gcloud", "compute", "ssh", instance, "--quiet"]
        .map(str::to_owned)
        .into();
    words.extend(zone.map(|zone| format!("--zone={zone}")));
    words.extend(project.map(|project| format!("--project={project}")));
    words.extend(["--command".to_owned(), command.to_owned()]);
    words
}

/// A command as a person would type it.
pub(super) fn shown(words: &[String]) -> String {
    let quoted = words.iter().map(|word| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:@,".contains(c);
        match !word.is_empty() && word.chars().all(is_plain) {
            true => word.clone(),
            false => format!("'{}'", word.replace('\'', r"'\''")),
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gcloud_gets_the_command_as_one_word() {
        let words = gcloud(
            "k-2",
            Some("europe-west1-b"),
            None,
            &strike(Mode::Kill9, "raudal"),
        );
        assert_eq!(
            shown(&words),
            "gcloud compute ssh k-2 --quiet --zone=europe-west1-b --command 'sudo kill -9 $(pidof raudal)'"
        );
    }

    #[test]
    fn each_blow_has_its_remedy() {
        assert_eq!(restore(Mode::Pause, "x"), "sudo kill -CONT $(pidof x)");
        assert_eq!(restore(Mode::Stop, "x"), "sudo systemctl start x");
        assert_eq!(strike(Mode::Term, "x"), "sudo kill -15 $(pidof x)");
    }

    #[test]
    fn names_are_filled_in() {
        assert_eq!(filled("k{id}.{host}", 2, "net"), "k2.net");
        assert_eq!(
            shown(&ssh("me@k2", "it's"))
                .split_once("me@k2 ")
                .map(|it| it.1),
            Some(r"'it'\''s'")
        );
    }
}
