using System.Globalization;
using Kuguru.Crypto;
using Kuguru.Ike;

namespace Kuguru.Daemon.Vici;

/// <summary>IKE SAs and their children as charon lists them: same fields, same spellings, same order, which scripts match on.</summary>
public static class SaWriter
{
    /// <summary>The content of <c>list-sa</c>: one section whose name is the connection's. Null when the filter leaves nothing.</summary>
    public static ViciMessage ListSa(IkeSaStatus sa, Instant now, Func<ChildSaStatus, bool>? filter = null)
    {
        var body = Ike(sa, now);
        ViciMessage children = [];
        foreach (var child in sa.Children.Where(c => filter?.Invoke(c) ?? true))
            children.Add(Name(child), Child(child, now));
        body.Add("child-sas", children);
        return new ViciMessage { { sa.Name, body } };
    }

    public static string Name(ChildSaStatus child) => string.Create(CultureInfo.InvariantCulture, $"{child.Name}-{child.UniqueId}");

    /// <summary>An IKE SA without its children.</summary>
    public static ViciMessage Ike(IkeSaStatus sa, Instant now)
    {
        var isEstablished = sa.State == IkeState.Established;
        return new ViciMessage
        {
            { "uniqueid", sa.UniqueId },
            { "version", sa.Version },
            { "state", State(sa.State) },
            { "local-host", sa.Path.Local.Address.ToString() },
            { "local-port", sa.Path.Local.Port },
            { "local-id", (sa.LocalId ?? Identity.Any).ToString() },
            { "remote-host", sa.Path.Remote.Address.ToString() },
            { "remote-port", sa.Path.Remote.Port },
            { "remote-id", (sa.RemoteId ?? Identity.Any).ToString() },
            { "remote-eap-id", sa.RemoteEapId is { } user && user != sa.RemoteId ? user.ToString() : null },
            { "remote-xauth-id", sa.RemoteXauthId },
            { "initiator", YesOrAbsent(sa.IsInitiator) },
            { "initiator-spi", sa.InitiatorSpi.Value.ToString("x16", CultureInfo.InvariantCulture) },
            { "responder-spi", sa.ResponderSpi.Value.ToString("x16", CultureInfo.InvariantCulture) },
            { "nat-local", YesOrAbsent(sa.Nat.Local) },
            { "nat-remote", YesOrAbsent(sa.Nat.Remote) },
            { "nat-fake", YesOrAbsent(sa.Nat.Forced) },
            { "nat-any", YesOrAbsent(sa.Nat.Local || sa.Nat.Remote || sa.Nat.Forced) },
            { "moves", sa.Moves > 0 ? sa.Moves : null },
            { "moved-from", sa.MovedFrom?.ToString() },
            { "moves-refused", sa.MovesRefused > 0 ? sa.MovesRefused : null },
            { "encr-alg", sa.Suite?.Encryption.Algorithm.Name() },
            { "encr-keysize", KeySize(sa.Suite?.Encryption) },
            { "integ-alg", Named(sa.Suite?.Integrity) },
            { "prf-alg", sa.Suite?.Prf.Name() },
            { "dh-group", sa.Suite?.KeyExchange.Name() },
            { "ppk", YesOrAbsent(sa.UsesPpk) },
            { "established", isEstablished ? Seconds(now, sa.EstablishedAt) : null },
            { "rekey-time", isEstablished ? -Seconds(now, sa.RekeyAt) : null },
            { "reauth-time", isEstablished ? -Seconds(now, sa.ReauthAt) : null },
            { "local-vips", Listed(sa.LocalVirtualAddresses.Select(a => a.ToString())) },
            { "remote-vips", Listed(sa.RemoteVirtualAddresses.Select(a => a.ToString())) },
            { "tasks-queued", Listed(sa.TasksQueued) },
            { "tasks-active", Listed(sa.TasksActive) },
        };
    }

    public static ViciMessage Child(ChildSaStatus child, Instant now)
    {
        var message = new ViciMessage
        {
            { "name", child.Name },
            { "uniqueid", child.UniqueId },
            { "reqid", child.ReqId },
            { "state", State(child.State) },
            { "mode", Mode(child.Mode) },
        };
        if (child.State is ChildState.Installed or ChildState.Rekeying or ChildState.Rekeyed or ChildState.Deleting or ChildState.Deleted)
            AddInstalled(message, child, now);
        message.Add("local-ts", child.LocalSelectors.Select(s => AddressText.Print(s)));
        message.Add("remote-ts", child.RemoteSelectors.Select(s => AddressText.Print(s)));
        message.Add("stand-ins", Listed(child.StandIns.Select(s => s.ToString())));
        return message;
    }

    static void AddInstalled(ViciMessage message, ChildSaStatus child, Instant now)
    {
        message.Add("protocol", child.Suite is AhSuite ? "AH" : "ESP");
        message.Add("encap", YesOrAbsent(child.UdpEncapsulated));
        message.Add("spi-in", child.InboundSpi.Value.ToString("x8", CultureInfo.InvariantCulture));
        message.Add("spi-out", child.OutboundSpi.Value.ToString("x8", CultureInfo.InvariantCulture));
        var encryption = (child.Suite as EspSuite)?.Encryption;
        message.Add("encr-alg", encryption?.Algorithm.Name());
        message.Add("encr-keysize", KeySize(encryption));
        message.Add("integ-alg", Named(child.Suite.Integrity));
        message.Add("dh-group", child.KeyExchange == KeyExchangeMethod.None ? null : child.KeyExchange.Name());
        message.Add("esn", child.Suite.IsEsn ? "1" : null);
        message.Add("bytes-in", child.Usage.InboundBytes);
        message.Add("packets-in", child.Usage.InboundPackets);
        message.Add("use-in", Seconds(now, child.Usage.LastInbound));
        message.Add("bytes-out", child.Usage.OutboundBytes);
        message.Add("packets-out", child.Usage.OutboundPackets);
        message.Add("use-out", Seconds(now, child.Usage.LastOutbound));
        message.Add("rekey-time", -Seconds(now, child.RekeyAt));
        message.Add("life-time", -Seconds(now, child.ExpiresAt));
        message.Add("install-time", Seconds(now, child.InstalledAt));
    }

    public static string Mode(ChildMode mode) => mode switch
    {
        ChildMode.Tunnel => "TUNNEL",
        ChildMode.Transport => "TRANSPORT",
        ChildMode.Pass => "PASS",
        ChildMode.Drop => "DROP",
    };

    static string State(IkeState state) => state switch
    {
        IkeState.Created => "CREATED",
        IkeState.Connecting => "CONNECTING",
        IkeState.Established => "ESTABLISHED",
        IkeState.Rekeying => "REKEYING",
        IkeState.Rekeyed => "REKEYED",
        IkeState.Deleting => "DELETING",
    };

    static string State(ChildState state) => state switch
    {
        ChildState.Created => "CREATED",
        ChildState.Installing => "INSTALLING",
        ChildState.Installed => "INSTALLED",
        ChildState.Updating => "UPDATING",
        ChildState.Rekeying => "REKEYING",
        ChildState.Rekeyed => "REKEYED",
        ChildState.Deleting => "DELETING",
        ChildState.Deleted => "DELETED",
    };

    static string? YesOrAbsent(bool value) => value ? "yes" : null;
    static long? KeySize(Encryption? encryption) => encryption is { KeyBits: > 0 and var bits } ? bits : null;
    static string? Named(IntegrityAlgorithm? integrity) => integrity is { } known and not IntegrityAlgorithm.None ? known.Name() : null;

    /// <summary>Whole seconds since then; null when there was no then.</summary>
    static long? Seconds(Instant now, Instant? then) => then is { } at ? (long)(now - at).TotalSeconds : null;

    static List<string>? Listed(IEnumerable<string> items) => items.ToList() is { Count: > 0 } list ? list : null;
}
