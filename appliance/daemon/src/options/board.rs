//! What a board of our own wants of the process; elsewhere each of it may be had as well.

use std::path::PathBuf;

use clap::Args;

/// What is different on a board.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Board {
    /// Where its first process listens, where this is one.
    pub socket: Option<PathBuf>,
    /// The file with the code that lets the first administrator in, where nobody is told a password.
    pub setup_code: Option<PathBuf>,
    /// Whether the process gives up what it does not need.
    pub confine: bool,
}

/// What the command line says of it.
#[derive(Debug, Default, Args)]
pub struct BoardFlags {
    /// Where tandem-init listens for what only it can do [default: this is no board]
    #[arg(long, env = "TANDEM_BOARD", value_name = "SOCKET")]
    pub board: Option<PathBuf>,
    /// The file with the code that the first administrator needs, who then chooses a password at the page [default: none, a
    /// random password is printed]
    #[arg(long, env = "TANDEM_SETUP_CODE", value_name = "FILE")]
    pub setup_code: Option<PathBuf>,
    /// Whether the process writes in its data folder alone, and refuses itself what it never needs: true or false [default: false]
    #[arg(long, env = "TANDEM_CONFINE", value_name = "BOOL")]
    pub confine: Option<bool>,
}

impl BoardFlags {
    /// What counts.
    pub fn complete(self) -> Board {
        Board { socket: self.board, setup_code: self.setup_code, confine: self.confine.unwrap_or(false) }
    }
}
