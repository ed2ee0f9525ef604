//! Opening the page in the user's browser.

/// Opens `address`; false where there is no screen or no browser.
pub(super) fn open(address: &str) -> bool {
    has_screen() && open::that_detached(address).is_ok()
}

/// Over ssh, the system's opener would find no browser, or one for text in the very terminal.
fn has_screen() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(target_os = "macos", windows)) || ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"].into_iter().any(set)
}
