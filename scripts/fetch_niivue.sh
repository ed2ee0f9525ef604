#!/usr/bin/env bash
# Fetches NiiVue and the licences of what it bundles from npm into crates/cli/assets/niivue. Needed only to go to another
# version (change it here, and run this with --trust); the files are in the repository. Without --trust, the script must
# be the one that the checksum there knows.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../crates/cli/assets/niivue"

niivue="@niivue/niivue@0.69.0"
bundled=(@lukeed/uuid@2.0.1 @ungap/structured-clone@1.4.0 @zarrita/storage@0.1.4 array-equal@1.0.2 fflate@0.8.3
    gl-matrix@3.4.3 nifti-reader-js@0.8.0 numcodecs@0.3.2 zarrita@0.5.4)

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# Prints the path of the package's archive; npm compares it with the checksum of the registry.
pack() {
    echo "$work/$(npm pack --silent --pack-destination "$work" "$1" | tail -n 1)"
}

tar -xzOf "$(pack "$niivue")" package/dist/niivue.umd.js >"$work/niivue.umd.js"
(cd "$work" && sha256sum niivue.umd.js) >"$work/sha256"
if [ "${1:-}" != "--trust" ] && ! cmp -s "$work/sha256" niivue.umd.js.sha256; then
    echo "$niivue is not the one that niivue.umd.js.sha256 knows; look at it, then run this with --trust" >&2
    exit 1
fi

for package in "${bundled[@]}"; do
    archive="$(pack "$package")"
    licence="$(tar -tzf "$archive" | grep -iE '^package/licen[cs]e(\.md|\.txt)?$')"
    printf '\n\n==== %s\n\n' "$package"
    tar -xzOf "$archive" "$licence"
done >"$work/licences"

mv "$work/licences" LICENSE-bundled.txt
mv "$work/sha256" niivue.umd.js.sha256
mv "$work/niivue.umd.js" niivue.umd.js
