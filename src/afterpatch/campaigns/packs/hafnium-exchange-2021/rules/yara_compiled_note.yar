rule Afterpatch_Compiled_Note_Of_Unknown_Page {
    meta:
        id = "633c384c-a1bd-473a-b406-8909e60d6da2"
        title = "Unknown page was compiled, so it was used"
        stage = "shell-used"
        weak = "false"
        level = "high"
        finds = "A note of ASP.NET about a page in owa/auth, ecp/auth, aspnet_client, OAB or ews that does not ship with Exchange. It outlives the page."
        misses = "A vendor page that was overwritten keeps its path."
        reference = "https://github.com/Neo23x0/signature-base/blob/master/yara/apt_hafnium.yar"
        author = "Afterpatch"
        date = "2026-11-24"
    strings:
        $note = "\x3cpreserve " nocase
        $folder = /virtualPath="\/(owa\/auth|ecp\/auth|aspnet_client|oab|ews)\/[^"]{1,160}\.as(px|hx)"/ nocase
        $shipped1 = /virtualPath="\/owa\/auth\/(errorFE|expiredpassword|frowny|logoff|logon|OutlookCN|RedirSuiteServiceProxy|signout|errorBE)\.aspx"/ nocase
        $shipped2 = /virtualPath="\/ecp\/auth\/TimeoutLogout\.aspx"/ nocase
    condition:
        filesize < 64KB and $note and $folder and not any of ($shipped*)
}
