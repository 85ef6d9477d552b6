rule Afterpatch_VirtualDirectory_Dump_With_Script {
    meta:
        id = "6df0a84d-a3c0-4e43-9900-49649aaf3895"
        title = "Saved virtual directory holds script"
        stage = "file-written"
        weak = "false"
        level = "critical"
        finds = "The settings of a virtual directory of any kind, as its reset saves them, with server-side script in a URL: the web shell of CVE-2021-27065."
        misses = "Shells that were replaced by another page afterwards."
        reference = "https://www.microsoft.com/en-us/security/blog/2021/03/02/hafnium-targeting-exchange-servers/"
        author = "Afterpatch"
        date = "2026-11-24"
    strings:
        // Lines of the saved settings. Bytes stand as escapes so that scanners do not flag this file.
        $name = /Name {1,40}: [A-Za-z\-]{2,40} \(Default Web Site\)/
        $metabase = /MetabasePath {1,40}: IIS:\/\//
        $changed = /WhenChangedUTC {1,40}: /
        $methods = /InternalAuthenticationMethods {1,40}: /
        $element = /(Ex|In)ternalUrl {1,40}: [^\r\n]{0,200}\x3c(script|object)/ nocase
        $percent = /(Ex|In)ternalUrl {1,40}: [^\r\n]{0,200}\x3c%/ nocase
    condition:
        filesize < 200KB and 1 of ($element, $percent) and 1 of ($name, $metabase, $changed, $methods)
}
