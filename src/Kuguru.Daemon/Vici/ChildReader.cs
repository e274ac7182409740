using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Daemon.Settings;
using Kuguru.Ike;

namespace Kuguru.Daemon.Vici;

/// <summary>One section of <c>children</c> to a <see cref="ChildConfig"/>.</summary>
static class ChildReader
{
    static readonly (string, StartAction)[] Starts =
    [
        ("none", StartAction.None), ("trap", StartAction.Trap), ("start", StartAction.Start),
        ("clear", StartAction.None), ("route", StartAction.Trap), ("restart", StartAction.Start),
        ("trap|start", StartAction.Trap | StartAction.Start), ("start|trap", StartAction.Trap | StartAction.Start),
    ];

    static readonly (string, CloseAction)[] Ends =
    [
        ("none", CloseAction.Clear), ("trap", CloseAction.Trap), ("start", CloseAction.Start),
        ("clear", CloseAction.Clear), ("route", CloseAction.Trap), ("restart", CloseAction.Start),
    ];

    static readonly KeyTable<ChildConfig> Keys = new KeyTable<ChildConfig>()
        .Parsed("esp_proposals", items => ProposalText.Read(items, ProposalKind.Esp), (c, v) => c with { Proposals = With(c, ProposalKind.Esp, v) })
        .Parsed("ah_proposals", items => ProposalText.Read(items, ProposalKind.Ah), (c, v) => c with { Proposals = With(c, ProposalKind.Ah, v) })
        .Each("local_ts", AddressText.Selector, (c, v) => c with { LocalSelectors = v })
        .Each("remote_ts", AddressText.Selector, (c, v) => c with { RemoteSelectors = v })
        .Time("rekey_time", (c, v) => c with { RekeyTime = v })
        .Time("life_time", (c, v) => c with { LifeTime = v })
        .Time("rand_time", (c, v) => c with { RandTime = v })
        .Volume("rekey_bytes", (c, v) => c with { RekeyBytes = v })
        .Volume("life_bytes", (c, v) => c with { LifeBytes = v })
        .Number("rekey_packets", 0ul, ulong.MaxValue, (c, v) => c with { RekeyPackets = v })
        .Number("life_packets", 0ul, ulong.MaxValue, (c, v) => c with { LifePackets = v })
        .Volume("rand_bytes", (c, v) => c with { RandBytes = v })
        .Number("rand_packets", 0ul, ulong.MaxValue, (c, v) => c with { RandPackets = v })
        .Time("inactivity", (c, v) => c with { Inactivity = v })
        .Word("start_action", (c, v) => c with { StartAction = v }, Starts)
        .Word("close_action", (c, v) => c with { CloseAction = v }, Ends)
        .Word("dpd_action", (c, v) => c with { DpdAction = v }, Ends)
        .Number("replay_window", 0, Esp.ReplayWindow.MaxSize, (c, v) => c with { ReplayWindow = v })
        .Number("reqid", 0u, uint.MaxValue, (c, v) => c with { ReqId = v })
        .Text("updown", (ref c, text) => KeyTable<ChildConfig>.Done(c = c with { UpDown = text.Length == 0 ? null : text }))
        .Bool("hostaccess", (c, v) => c with { HostAccess = v })
        // What strongSwan has beyond that, and the values that say what Kuguru does.
        .Text("mode", Mode)
        .Only("policies", "yes")
        .Only("policies_fwd_out", "no")
        .Only("ipcomp", "no")
        .Only("priority", "0")
        .Only("tfc_padding", "0")
        .Only("sha256_96", "no")
        .Only("per_cpu_sas", "no")
        .Only("hw_offload", "no", "auto")
        .Only("copy_df", "yes")
        .Only("copy_ecn", "yes")
        .Only("copy_dscp", "out")
        .Only("icmp", "no")
        .Only("label_mode", "system", "simple")
        .Only("mark_in", "0", "0/0x00000000")
        .Only("mark_in_sa", "no")
        .Only("mark_out", "0", "0/0x00000000")
        .Only("set_mark_in", "0", "0/0x00000000")
        .Only("set_mark_out", "0", "0/0x00000000")
        .Only("if_id_in", "0")
        .Only("if_id_out", "0")
        .Refused("is not supported: Kuguru's tunnels have no security labels", "label")
        .Refused("is not supported: a tunnel is not bound to an interface", "interface");

    public static ChildConfig Read(string name, ViciMessage message, CharonSettings settings, string path, List<ConfigError> errors)
    {
        var child = Keys.Read(Default(name, settings), message, path, errors);
        foreach (var section in message.Sections)
            errors.Add(new ConfigError($"{path}.{section.Name}", "a child has no sections"));
        // An empty list is the same as none.
        if (child.Proposals.IsEmpty)
            child = child with { Proposals = AlgorithmSet.Defaults(ProposalKind.Esp) };
        if (child.LocalSelectors.IsEmpty)
            child = child with { LocalSelectors = [SelectorTemplate.Dynamic] };
        if (child.RemoteSelectors.IsEmpty)
            child = child with { RemoteSelectors = [SelectorTemplate.Dynamic] };
        return Lifetimes(child, message);
    }

    static string? Mode(ref ChildConfig child, string text)
    {
        (string Word, ChildMode Mode)[] modes = [("tunnel", ChildMode.Tunnel), ("transport", ChildMode.Transport), ("pass", ChildMode.Pass), ("drop", ChildMode.Drop)];
        foreach (var (word, mode) in modes)
        {
            if (string.Equals(word, text, StringComparison.OrdinalIgnoreCase))
                return KeyTable<ChildConfig>.Done(child = child with { Mode = mode });
        }
        return $"\"{text}\" is not supported, only {string.Join(", ", modes.Select(mode => mode.Word))} are";
    }

    static ChildConfig Default(string name, CharonSettings settings) => new()
    {
        Name = name,
        ReplayWindow = settings.ReplayWindow,
        Proposals = [],
        LocalSelectors = [SelectorTemplate.Dynamic],
        RemoteSelectors = [SelectorTemplate.Dynamic],
    };

    /// <summary>Both kinds may be given; what stands first is preferred.</summary>
    static ImmutableArray<AlgorithmSet> With(ChildConfig child, ProposalKind kind, ImmutableArray<AlgorithmSet> given) =>
        [.. child.Proposals.Where(set => set.Kind != kind), .. given];

    /// <summary>The hard limit is a tenth above the soft one, where only one of them is given.</summary>
    static ChildConfig Lifetimes(ChildConfig child, ViciMessage message)
    {
        if (child.LifeTime is { } life && message["rekey_time"] is null)
            child = child with { RekeyTime = TimeSpan.FromSeconds((long)life.TotalSeconds * 10 / 11) };
        var bytes = Limits(child.RekeyBytes, child.LifeBytes, message["rekey_bytes"] is null, message["life_bytes"] is null);
        var packets = Limits(child.RekeyPackets, child.LifePackets, message["rekey_packets"] is null, message["life_packets"] is null);
        return child with { RekeyBytes = bytes.Soft, LifeBytes = bytes.Hard, RekeyPackets = packets.Soft, LifePackets = packets.Hard };
    }

    static (ulong Soft, ulong Hard) Limits(ulong soft, ulong hard, bool noSoft, bool noHard) =>
        noSoft && !noHard ? ((ulong)((UInt128)hard * 10 / 11), hard) : noHard ? (soft, Math.Max(soft, soft + (soft / 10))) : (soft, hard);
}
