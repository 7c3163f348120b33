//! Where the server's binary is.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

const NAME: &str = "raudal";

/// The one that was asked for, else the one beside this program, else the first of PATH.
pub(super) fn find(asked: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = asked {
        return match path.is_file() {
            true => Ok(std::path::absolute(path)?),
            false => Err(Failure::usage(format!(
                "--raudal {}: no such file",
                path.display()
            ))),
        };
    }
    let own = std::env::current_exe().ok();
    let beside = own.and_then(|own| Some(own.parent()?.join(NAME)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let of_path = std::env::split_paths(&path).map(|dir| dir.join(NAME));
    let mut places = beside.into_iter().chain(of_path);
    let found = places.find(|place| place.is_file());
    found.ok_or_else(|| {
        Failure::failed("the server's binary, raudal, is neither beside kcli nor on the PATH")
            .hint("build it with `make build`, or name it with --raudal FILE")
    })
}
