using Kuguru.Daemon.Vici;

namespace Kuguru.Cli;

/// <summary>An IKE SA as a daemon's <c>list-sa</c> event tells it; what the daemon does not tell is empty.</summary>
public sealed record Sa(string Name, string Id, string State, string Version, string Local, string Remote, string LocalId, string RemoteId,
    string Nat, string Suite, IReadOnlyList<string> LocalVirtual, IReadOnlyList<string> RemoteVirtual, IReadOnlyList<SaChild> Children)
{
    public static Sa Read(ViciElement.Section section)
    {
        var sa = section.Body;
        string Text(string name) => sa[name] ?? "";
        return new(section.Name, Text("uniqueid"), Text("state"), Text("version"),
            $"{Text("local-host")}[{Text("local-port")}]", $"{Text("remote-host")}[{Text("remote-port")}]", Text("local-id"), Text("remote-id"),
            Verdict(sa), Algorithms(sa, "encr-alg", "encr-keysize", "integ-alg", "prf-alg", "dh-group"),
            sa.Items("local-vips") ?? [], sa.Items("remote-vips") ?? [],
            [.. (sa.Section("child-sas") ?? []).Sections.Select(child => SaChild.Read(child.Body))]);
    }

    public static async Task<IReadOnlyList<Sa>> List(ViciClient client, CancellationToken cancel) =>
        [.. (await client.Stream("list-sas", "list-sa", cancel)).Select(Read)];

    /// <summary>Where the NAT is, seen from the daemon.</summary>
    static string Verdict(ViciMessage sa) => (sa["nat-local"], sa["nat-remote"], sa["nat-fake"]) switch
    {
        ("yes", "yes", _) => "both",
        ("yes", _, _) => "local",
        (_, "yes", _) => "remote",
        (_, _, "yes") => "forced",
        _ => "none",
    };

    internal static string Algorithms(ViciMessage sa, params string[] keys) =>
        string.Join('/', keys.Select(key => sa[key]).Where(text => text is not null));
}

/// <summary>A CHILD_SA as <c>list-sa</c> tells it; traffic is counted in octets and packets.</summary>
public sealed record SaChild(string Name, string Id, string State, string Protocol, bool IsEncapsulated, string Suite, string SpiIn, string SpiOut,
    IReadOnlyList<string> LocalSelectors, IReadOnlyList<string> RemoteSelectors, IReadOnlyList<string> StandIns, string Mode, ulong BytesIn, ulong PacketsIn, ulong BytesOut, ulong PacketsOut)
{
    internal static SaChild Read(ViciMessage child)
    {
        string Text(string name) => child[name] ?? "";
        ulong Number(string name) => ulong.TryParse(child[name], out var number) ? number : 0;
        return new(Text("name"), Text("uniqueid"), Text("state"), Text("protocol"), child["encap"] == "yes",
            Sa.Algorithms(child, "encr-alg", "encr-keysize", "integ-alg", "dh-group", "esn"), Text("spi-in"), Text("spi-out"),
            child.Items("local-ts") ?? [], child.Items("remote-ts") ?? [], child.Items("stand-ins") ?? [], Text("mode"),
            Number("bytes-in"), Number("packets-in"), Number("bytes-out"), Number("packets-out"));
    }
}
