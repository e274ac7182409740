using System.Globalization;
using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Pki;

namespace Kuguru.Daemon.Vici;

/// <summary>Loaded configuration as charon lists it: <c>list-conn</c>, <c>list-policy</c> and the answer to <c>get-pools</c>.</summary>
public static class ConnectionWriter
{
    /// <summary>The content of <c>list-conn</c>: one section whose name is the connection's.</summary>
    public static ViciMessage ListConn(Connection connection)
    {
        var body = new ViciMessage
        {
            { "local_addrs", Addresses(connection.LocalAddresses) },
            { "remote_addrs", Addresses(connection.RemoteAddresses) },
            { "local_port", connection.LocalPort },
            { "remote_port", connection.RemotePort },
            { "version", connection.Version switch { 0 => "IKEv1/2", 1 => "IKEv1", _ => "IKEv2" } },
            { "reauth_time", Seconds(connection.ReauthTime) },
            { "rekey_time", Seconds(connection.RekeyTime) },
            { "unique", Unique(connection.Unique) },
            { "dpd_delay", connection.DpdDelay > TimeSpan.Zero ? Seconds(connection.DpdDelay) : null },
            { "dpd_timeout", connection.DpdTimeout > TimeSpan.Zero ? Seconds(connection.DpdTimeout) : null },
            { "ppk_id", connection.PpkId?.ToString() },
            { "ppk_required", connection.PpkRequired ? "yes" : null },
        };
        AddRounds(body, "local", connection.Local);
        AddRounds(body, "remote", connection.Remote);
        ViciMessage children = [];
        foreach (var child in connection.Children)
            children.Add(child.Name, Child(child));
        body.Add("children", children);
        return new ViciMessage { { connection.Name, body } };
    }

    /// <summary>The content of <c>list-policy</c> for a child that is installed as a trap or shunt.</summary>
    public static ViciMessage ListPolicy(Trap trap) => new()
    {
        {
            $"{trap.Connection.Name}/{trap.Child.Name}", new ViciMessage
            {
                { "child", trap.Child.Name },
                { "reqid", !trap.Child.Mode.IsShunt ? trap.ReqId.ToString(CultureInfo.InvariantCulture) : null },
                { "ike", trap.Connection.Name },
                { "mode", SaWriter.Mode(trap.Child.Mode) },
                { "local-ts", trap.Local.Select(s => AddressText.Print(s)) },
                { "remote-ts", trap.Remote.Select(s => AddressText.Print(s)) },
            }
        },
    };

    /// <summary>One pool of the answer to <c>get-pools</c>, with its leases where they are asked for.</summary>
    public static ViciMessage Pool(PoolStatus pool, bool withLeases)
    {
        var message = new ViciMessage
        {
            { "base", pool.Pool.Addresses.First.ToString() },
            { "size", pool.Size.ToString(CultureInfo.InvariantCulture) },
            { "online", pool.Online },
            { "offline", pool.Offline },
        };
        if (!withLeases)
            return message;
        ViciMessage leases = [];
        foreach (var (index, lease) in pool.Leases.Index())
        {
            leases.Add(index.ToString(CultureInfo.InvariantCulture), new ViciMessage
            {
                { "address", lease.Address.ToString() },
                { "identity", lease.Owner.ToString() },
                { "status", lease.Online ? "online" : "offline" },
            });
        }
        message.Add("leases", leases);
        return message;
    }

    static void AddRounds(ViciMessage message, string side, IEnumerable<AuthenticationRound> rounds)
    {
        foreach (var (index, round) in rounds.Index())
        {
            message.Add($"{side}-{index + 1}", new ViciMessage
            {
                { "id", round.CertifiedAs is { } name ? $"%{name}" : round.Id?.ToString() },
                { "class", Class(round.Kind) },
                { "eap-type", round.EapMethod?.ToString() },
                { "eap_id", round.EapId?.ToString() },
                { "aaa_id", round.AaaId?.ToString() },
                { "xauth_id", round.XauthId?.ToString() },
                { "revocation", Revocation(round.Revocation) },
                { "ca_id", round.AuthorityId?.ToString() },
                { "groups", (string[])[] },
                { "cert_policy", round.Policies },
                { "certs", round.Certificates.Select(certificate => certificate.SubjectText) },
                { "cacerts", round.Authorities.Select(authority => authority.SubjectText) },
            });
        }
    }

    static string Class(AuthenticationKind kind) => kind switch
    {
        AuthenticationKind.Psk => "pre-shared key",
        AuthenticationKind.PublicKey => "public key",
        AuthenticationKind.Eap => "EAP",
        AuthenticationKind.Xauth => "XAuth",
    };

    /// <summary>In charon's words, which are for what it demands of a check.</summary>
    static string? Revocation(RevocationPolicy policy) => policy switch
    {
        RevocationPolicy.Strict => "GOOD",
        RevocationPolicy.IfUri => "SKIPPED",
        RevocationPolicy.Relaxed => null,
    };

    static ViciMessage Child(ChildConfig child) => new()
    {
        { "mode", SaWriter.Mode(child.Mode) },
        { "rekey_time", Seconds(child.RekeyTime) },
        { "rekey_bytes", child.RekeyBytes },
        { "rekey_packets", child.RekeyPackets },
        { "dpd_action", Action(child.DpdAction) },
        { "close_action", Action(child.CloseAction) },
        { "local-ts", child.LocalSelectors.Select(AddressText.Print) },
        { "remote-ts", child.RemoteSelectors.Select(AddressText.Print) },
    };

    static List<string> Addresses(IReadOnlyCollection<AddressPattern> patterns) =>
        patterns.Count == 0 ? ["%any"] : [.. patterns.Select(AddressText.Print)];

    static string Action(CloseAction action) => action switch
    {
        CloseAction.Clear => "none",
        CloseAction.Trap => "trap",
        CloseAction.Start => "start",
    };

    static string Unique(UniquePolicy unique) => unique switch
    {
        UniquePolicy.No => "UNIQUE_NO",
        UniquePolicy.Never => "UNIQUE_NEVER",
        UniquePolicy.Keep => "UNIQUE_KEEP",
        UniquePolicy.Replace => "UNIQUE_REPLACE",
    };

    static long Seconds(TimeSpan time) => (long)time.TotalSeconds;
}
