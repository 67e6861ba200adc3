//! Boots the image under QEMU and drives it.
