rule Afterpatch_COSMICGALE {
    meta:
        id = "a36583e8-be0a-5f2b-9e88-c117c84a43a2"
        title = "COSMICGALE script"
        stage = "follow-up"
        weak = "false"
        level = "critical"
        finds = "A PowerShell script with the public routine that decrypts password hashes of the registry, and beside it what COSMICGALE adds: who runs it, a file for the result, a password to encrypt it."
        misses = "Scripts that are encoded, cut up or renamed, and those that ran in memory only."
        reference = "https://github.com/cisagov/CHIRP/blob/64146037a012e5a9c908d40682f62a3c652920b6/indicators/AA21-008A/fireeye_cosmicgale.yaml"
        author = "Afterpatch"
        date = "2026-11-25"
    strings:
        // Characters stand as escapes so that scanners do not flag this file.
        $empty = /\x5bbyte\x5b\x5d\x5d@\([\t ]{0,32}0xaa[\t ]{0,32},[\t ]{0,32}0xd3[\t ]{0,32},[\t ]{0,32}0xb4[\t ]{0,32},[\t ]{0,32}0x35/ ascii wide nocase
        $nt = "\x6etpassword`0" ascii wide nocase
        $lsa = "currentcontrolset\\control\\lsa\\\x24_" ascii wide nocase
        $md5 = "\x5bsecurity.cryptography.md5\x5d::create" ascii wide nocase
        $who = "windowsidentity\x5d::getcurrent().name" ascii wide nocase
        $file = "out-file" ascii wide nocase
        $lock = "convertto-securestring" ascii wide nocase
    condition:
        filesize < 2MB and all of them
}
