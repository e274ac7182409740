using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Kuguru.Cli.Namespaces;

/// <summary>
/// An IPsec daemon on a host, ours or strongSwan's, which behave alike at their doors: swanctl.conf, strongswan.conf and VICI.
/// The configuration lies in the host's /run/swanctl and is loaded by <see cref="Load"/>; Kuguru reads it when it starts as well.
/// </summary>
public abstract class IkeDaemon : IDisposable
{
    /// <summary>The VICI socket, as the host sees it.</summary>
    public const string Vici = "/run/charon.vici";

    /// <summary>The strongswan.conf and swanctl.conf, as the host sees them.</summary>
    protected const string Settings = "/run/strongswan.conf", Configuration = "/run/swanctl/swanctl.conf";

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    protected IkeDaemon(Host host, string name, string settings, IReadOnlyList<string> command)
    {
        Host = host;
        host.Write(Settings, settings);
        // One that comes back finds what was loaded before it went.
        if (!File.Exists(host.Outside(Configuration)))
            host.Write(Configuration, "");
        Job = host.Start(name, [.. command]);
        Wait.Until($"{name} on {host.Name} opens {Vici}", Patience, () => Job.HasEnded || IsListening());
        if (Job.HasEnded)
            throw new InvalidOperationException($"{name} on {host.Name} ended with status {Job.Status}: {Job.Log.Trim()}");
    }

    public Host Host { get; }
    public Job Job { get; }

    /// <summary>What the daemon has logged so far.</summary>
    public string Log => Job.Log;

    /// <summary>The VICI socket, as this machine sees it.</summary>
    public string Socket => Host.Outside(Vici);

    /// <summary>Loads this swanctl.conf with stock swanctl in place of what was loaded before.</summary>
    public void Load(string configuration)
    {
        Host.Write(Configuration, configuration);
        Swanctl("--load-all", "--noprompt");
    }

    /// <summary>Stock swanctl on the host; what it prints.</summary>
    /// <exception cref="CommandFailedException">It did not end with status 0.</exception>
    public string Swanctl(params string[] arguments) => TrySwanctl(arguments).Text();

    public Outcome TrySwanctl(params string[] arguments) => Host.Try(["swanctl", .. arguments]);

    /// <summary><c>swanctl --list-sas --raw</c>: one line per IKE SA.</summary>
    public string Sas() => Swanctl("--list-sas", "--raw");

    /// <summary>Ends the daemon by SIGTERM; its exit status, or null when it had to be killed.</summary>
    public int? Stop() => Job.Stop();

    /// <summary>A socket file alone may be what a crash left behind.</summary>
    bool IsListening()
    {
        if (!File.Exists(Socket))
            return false;
        using var socket = new System.Net.Sockets.Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(Socket));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        Job.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>The Kuguru that runs this code, as a daemon; this machine's own /etc/swanctl is none of its business.</summary>
public sealed class KuguruDaemon(Host host, string settings = "", params string[] options)
    : IkeDaemon(host, "kuguru", settings, [.. Program, "run", .. Files, .. options])
{
    static readonly string[] Files = ["--settings", Settings, "--config", Configuration, "--vici", Vici];

    /// <summary>How to start the program, wherever it was built and whichever dotnet runs it.</summary>
    public static IReadOnlyList<string> Program { get; } =
    [
        System.IO.Path.GetFullPath(System.IO.Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet")),
        System.IO.Path.Combine(AppContext.BaseDirectory, "Kuguru.Cli.dll"),
    ];
}

/// <summary>strongSwan's charon-systemd with its ESP in userspace (kernel-libipsec, which always encapsulates in UDP).</summary>
public sealed class Charon(Host host, string settings = "")
    : IkeDaemon(host, "charon", Conf(settings), ["charon-systemd"])
{
    const string Plugins = "random nonce openssl pem pkcs1 pkcs8 pubkey x509 aes sha1 sha2 hmac kdf gcm chapoly drbg curve25519 gmp "
        + "eap-identity eap-md5 eap-mschapv2 eap-gtc eap-tls xauth-generic unity constraints vici kernel-libipsec kernel-netlink socket-default updown counters";

    // The marks let the daemon's own packets out although a route through its TUN device covers the peer.
    static string Conf(string settings) => $$"""
        charon-systemd {
          load = {{Plugins}}
          integrity_test = no
          filelog {
            stderr {
              default = 1
              flush_line = yes
            }
          }
          plugins {
            kernel-netlink {
              fwmark = !0x42
            }
            socket-default {
              fwmark = 0x42
            }
            kernel-libipsec {
              allow_peer_ts = yes
            }
          }
          {{settings}}
        }
        swanctl {
          load = random openssl pem pkcs1 pkcs8 pubkey x509
        }
        """;
}
