using System.CommandLine;
using Kuguru.Cli.Demo;

namespace Kuguru.Cli;

/// <summary><c>kuguru demo</c>: two clients behind one NAT reach a network behind a gateway, for everybody to see.</summary>
static class DemoVerb
{
    static readonly string[] Folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    public static Command Command()
    {
        var keep = new Option<bool>("--keep") { Description = "Leave the network and its daemons up to play with" };
        var ip6 = new Option<bool>("--ip6") { Description = "Run the network between NAT and gateway on IPv6" };
        var peer = new Option<string>("--peer")
        {
            Description = "Who plays the gateway: kuguru, or strongswan (charon)",
            HelpName = "DAEMON",
            DefaultValueFactory = _ => "kuguru",
        };
        peer.AcceptOnlyFromAmong("kuguru", "strongswan");
        var verb = new Command("demo", "Show two clients behind one NAT reach a network through a gateway") { keep, ip6, peer };
        verb.SetAction((parsed, cancel) =>
        {
            var strongSwan = parsed.GetRequiredValue(peer) == "strongswan";
            var (isIp6, isKept) = (parsed.GetValue(ip6), parsed.GetValue(keep));
            if (!Environment.IsPrivilegedProcess)
            {
                return Task.FromResult(strongSwan || isIp6 || isKept
                    ? Exit.Fail(Exit.Environment, "demo: --peer strongswan, --ip6 and --keep need root: sudo ./kuguru demo ...")
                    : Lab.Demo.Play(Console.Out) ? Exit.Done : Exit.Failed);
            }
            return Missing(strongSwan) is { } missing
                ? Task.FromResult(Exit.Fail(Exit.Environment, missing))
                : RealDemo.Play(strongSwan, isIp6, isKept, cancel);
        });
        return verb;
    }

    /// <summary>A line about the first program that is not installed, if any.</summary>
    static string? Missing(bool strongSwan)
    {
        string[] programs = ["unshare", "nsenter", "ip", "nft", "conntrack", "ping", .. strongSwan ? ["charon-systemd"] : Array.Empty<string>()];
        var missing = programs.FirstOrDefault(program => !Folders.Any(folder => File.Exists(System.IO.Path.Combine(folder, program))));
        var packages = $"nftables iproute2 iputils-ping conntrack{(strongSwan ? " charon-systemd" : "")}";
        return missing is null ? null : $"demo: the program {missing} is missing; sudo apt-get install {packages}";
    }
}
