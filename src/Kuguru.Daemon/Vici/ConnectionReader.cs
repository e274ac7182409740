using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Daemon.Settings;
using Kuguru.Ike;
using Kuguru.Ike.Eap;
using Kuguru.Pki;
using Kuguru.Wire;
using Kuguru.Wire.Eap;

namespace Kuguru.Daemon.Vici;

/// <summary>
/// <c>load-conn</c>'s message to a <see cref="Connection"/>: one section whose name is the connection's. Defaults and units are charon's.
/// All errors are collected; with any, there is no connection.
/// </summary>
public static class ConnectionReader
{
    static readonly string[] Later = ["xauth-"];
    static readonly string[] Signatures = ["pubkey", "rsa", "ecdsa", "ed25519", "ike:"];

    const string NoMediation = "is not supported: Kuguru has no mediation extension";

    static readonly KeyTable<Connection> Keys = new KeyTable<Connection>()
        .Parsed("local_addrs", AddressText.Patterns, (c, v) => c with { LocalAddresses = v })
        .Parsed("remote_addrs", AddressText.Patterns, (c, v) => c with { RemoteAddresses = v })
        .Number<ushort>("local_port", 0, ushort.MaxValue, (c, v) => c with { LocalPort = v })
        .Number<ushort>("remote_port", 1, ushort.MaxValue, (c, v) => c with { RemotePort = v })
        .Parsed("proposals", items => ProposalText.Read(items, ProposalKind.Ike), (c, v) => c with { Proposals = v })
        .Each("vips", VirtualAddress, (c, v) => c with { VirtualAddresses = v })
        .Each<string>("pools", text => (text, null), (c, v) => c with { Pools = v })
        .Bool("send_certreq", (c, v) => c with { AskForCertificates = v })
        .Word("send_cert", (c, v) => c with { SendCertificates = v },
            ("ifasked", SendCertificates.IfAsked), ("always", SendCertificates.Always), ("yes", SendCertificates.Always),
            ("never", SendCertificates.Never), ("no", SendCertificates.Never))
        .Text("encap", (ref c, text) => Encapsulates(text) is { } encapsulation ? KeyTable<Connection>.Done(c = c with { Encapsulation = encapsulation })
            : KeyTable<Connection>.Not(text, "yes, no or never"))
        .Bool("mobike", (c, v) => c with { Mobike = v })
        .Text("keep_alive", (ref c, text) => SettingsText.KeepAlive(text) is { } policy ? KeyTable<Connection>.Done(c = c with { KeepAlive = policy })
            : KeyTable<Connection>.Not(text, SettingsText.KeepAliveWanted))
        .Word("fragmentation", (c, v) => c with { Fragmentation = v }, ("yes", true), ("no", false), ("force", true))
        .Time("dpd_delay", (c, v) => c with { DpdDelay = v })
        .Word("unique", (c, v) => c with { Unique = v },
            ("no", UniquePolicy.No), ("never", UniquePolicy.Never), ("keep", UniquePolicy.Keep), ("replace", UniquePolicy.Replace))
        .Number("keyingtries", 0, int.MaxValue, (c, v) => c with { KeyingTries = v })
        .Time("rekey_time", (c, v) => c with { RekeyTime = v })
        .Time("reauth_time", (c, v) => c with { ReauthTime = v })
        .Time("over_time", (c, v) => c with { OverTime = v })
        .Time("rand_time", (c, v) => c with { RandTime = v })
        .Number("version", 0, 2, (c, v) => c with { Version = v })
        .Bool("aggressive", (c, v) => c with { Aggressive = v })
        .Bool("pull", (c, v) => c with { Push = !v })
        .Time("dpd_timeout", (c, v) => c with { DpdTimeout = v })
        .Word("ocsp", (c, v) => c with { Ocsp = v }, ("reply", OcspPolicy.Reply), ("request", OcspPolicy.Request), ("both", OcspPolicy.Both), ("never", OcspPolicy.Never))
        .Only("dscp", "000000")
        .Word("childless", (c, v) => c with { Childless = v },
            ("allow", ChildlessPolicy.Allow), ("prefer", ChildlessPolicy.Prefer), ("force", ChildlessPolicy.Force), ("never", ChildlessPolicy.Never))
        .Only("if_id_in", "0")
        .Only("if_id_out", "0")
        .Only("mediation", "no")
        .Refused(NoMediation, "mediated_by", "mediation_peer")
        .Text("ppk_id", (ref c, text) => Identity.TryParse(text, out var id, out var error)
            ? KeyTable<Connection>.Done(c = c with { PpkId = id.IsAny ? null : id })
            : error)
        .Bool("ppk_required", (c, v) => c with { PpkRequired = v });

    static readonly KeyTable<Round> RoundKeys = new KeyTable<Round>()
        .Text("auth", (ref r, text) => Authentication(text, out var kind, out var method)
            ?? KeyTable<Round>.Done(r = r with { Value = r.Value with { Kind = kind, EapMethod = method }, Auth = text }))
        .Text("id", (ref r, text) => text.StartsWith('%') && Identity.TryParse(text[1..], out var name, out _) && name.IsExact && !Identity.Parse(text).IsAny
            ? KeyTable<Round>.Done(r = r with { Value = r.Value with { CertifiedAs = name } })
            : Identity.TryParse(text, out var id, out var error)
            ? KeyTable<Round>.Done(r = r with { Value = r.Value with { Id = id } })
            : error)
        .Number("round", 0, int.MaxValue, (r, v) => r with { Number = v })
        .Word("revocation", (r, v) => r with { Value = r.Value with { Revocation = v } },
            ("relaxed", RevocationPolicy.Relaxed), ("ifuri", RevocationPolicy.IfUri), ("strict", RevocationPolicy.Strict))
        .Files("certs", Certificate, (r, v) => r with { Value = r.Value with { Certificates = v } })
        .Files("cacerts", Certificate, (r, v) => r with { Value = r.Value with { Authorities = v } })
        .Files("pubkeys", PublicKey, (r, v) => r with { Value = r.Value with { PublicKeys = v } })
        .Text("ca_id", (ref r, text) => Identity.TryParse(text, out var id, out var error)
            ? KeyTable<Round>.Done(r = r with { Value = r.Value with { AuthorityId = id } })
            : error)
        .Each("cert_policy", Policy, (r, v) => r with { Value = r.Value with { Policies = v } })
        .Text("eap_id", (ref r, text) => Identity.TryParse(text, out var id, out var error)
            ? KeyTable<Round>.Done(r = r with { Value = r.Value with { EapId = id } })
            : error)
        .Text("aaa_id", (ref r, text) => Identity.TryParse(text, out var id, out var error)
            ? KeyTable<Round>.Done(r = r with { Value = r.Value with { AaaId = id } })
            : error)
        .Text("xauth_id", (ref r, text) => Identity.TryParse(text, out var id, out var error)
            ? KeyTable<Round>.Done(r = r with { Value = r.Value with { XauthId = id.IsAny ? null : id } })
            : error)
        .Refused("is not supported yet: groups come with RADIUS or attribute certificates", "groups");

    /// <summary>An authentication round while it is read; <see cref="Number"/> sorts.</summary>
    sealed record Round(AuthenticationRound Value, int Number)
    {
        /// <summary>The text of <c>auth</c>, of which the settings decide what it means.</summary>
        public string Auth { get; init; } = "pubkey";
    }

    public static Connection? Read(string name, ViciMessage message, CharonSettings settings, out IReadOnlyList<ConfigError> errors)
    {
        var path = $"connections.{name}";
        var found = new List<ConfigError>();
        CheckName(name, path, found);
        var connection = Keys.Read(Default(name), message, path, found);
        if (message["reauth_time"] is not null && message["rekey_time"] is null)
            connection = connection with { RekeyTime = TimeSpan.Zero };
        if (connection.LocalPort is not (0 or 500) && connection.LocalPort != settings.Port && connection.LocalPort != settings.PortNatT)
        {
            var ports = $"0, {settings.Port} or {settings.PortNatT}";
            found.Add(new ConfigError($"{path}.local_port", $"the daemon has no such port: give {ports}, or set charon.port in strongswan.conf"));
        }
        connection = connection with { Children = Children(message, settings, path, found) };
        if (connection.ForbidsEncapsulation)
        {
            // Whoever moves has to look for NATs.
            if (message["mobike"] is not null && connection.Mobike)
                found.Add(new ConfigError($"{path}.mobike", "is not possible with encap = never: it needs NAT detection"));
            connection = connection with { Mobike = false };
        }
        if (connection.ForcesEncapsulation && connection.Children.FirstOrDefault(child => child.HasOnlyAh) is { } bare)
            found.Add(new ConfigError($"{path}.children.{bare.Name}.ah_proposals", "is not possible with encap = yes: AH does not go in UDP"));
        // A connection of shunts has no peer, and nobody to authenticate.
        if (connection.Children.IsEmpty || connection.Children.Any(child => !child.Mode.IsShunt) || message.Sections.Any(s => !IsChildren(s)))
            connection = connection with { Local = Rounds(message, "local", settings, path, found), Remote = Rounds(message, "remote", settings, path, found) };
        var kinds = connection.Local.Concat(connection.Remote).Select(round => round.Kind).ToList();
        if (connection.Version != 1 && kinds.Contains(AuthenticationKind.Xauth))
            found.Add(new ConfigError($"{path}.version", "auth = xauth is IKEv1's: give version = 1, or auth = eap with IKEv2"));
        if (connection.Version == 1 && kinds.Contains(AuthenticationKind.Eap))
            found.Add(new ConfigError($"{path}.version", "auth = eap is IKEv2's: give version = 2, or auth = xauth with IKEv1"));
        foreach (var section in message.Sections.Where(s => !IsRound(s, "local") && !IsRound(s, "remote") && !IsChildren(s)))
            found.Add(new ConfigError($"{path}.{section.Name}", "unknown section" + Complaints.DidYouMean(section.Name, ["local", "remote", "children"])));
        errors = found;
        return found.Count == 0 ? connection : null;
    }

    static Encapsulation? Encapsulates(string text) => string.Equals(text, "never", StringComparison.OrdinalIgnoreCase) ? Encapsulation.Never
        : SettingsText.Bool(text) is { } always ? always ? Encapsulation.Always : Encapsulation.WhenNeeded : null;

    static Connection Default(string name) => new()
    {
        Name = name,
        Proposals = AlgorithmSet.Defaults(ProposalKind.Ike),
        Local = [],
        Remote = [],
        Children = [],
    };

    static ImmutableArray<AuthenticationRound> Rounds(ViciMessage message, string side, CharonSettings settings, string path, List<ConfigError> errors)
    {
        var rounds = new List<Round>();
        foreach (var section in message.Sections.Where(s => IsRound(s, side)))
        {
            var at = $"{path}.{section.Name}";
            var round = RoundKeys.Read(new Round(PublicKeyRound, 0), section.Body, at, errors);
            foreach (var inner in section.Body.Sections)
                errors.Add(new ConfigError($"{at}.{inner.Name}", "is not supported: name the files in certs and cacerts"));
            if (side == "local" && round.Value.Id is { IsAny: false, IsRange: true } range)
                errors.Add(new ConfigError($"{at}.id", $"'{range}' stands for many addresses: give the one that we are called by"));
            if (round.Value.CertifiedAs is { } name && (side == "local" || round.Value.Kind != AuthenticationKind.PublicKey || !round.Value.PublicKeys.IsEmpty))
                errors.Add(new ConfigError($"{at}.id",
                    $"'%{name}' is what a peer's certificate has to be for, whatever it calls itself: of a remote section with a certificate"));
            var rules = SignatureRules.None;
            if (round.Value.Kind == AuthenticationKind.PublicKey && !SignatureRules.TryParse(round.Auth, settings.RsaPss, out rules, out var error))
                errors.Add(new ConfigError($"{at}.auth", error));
            rounds.Add(round with { Value = WithId(round.Value) with { Rules = rules } });
        }
        if (rounds.Count == 0)
            rounds.Add(new Round(PublicKeyRound, 0));
        return [.. rounds.OrderBy(r => r.Number).Select(r => r.Value)];
    }

    static ImmutableArray<ChildConfig> Children(ViciMessage message, CharonSettings settings, string path, List<ConfigError> errors)
    {
        var children = ImmutableArray.CreateBuilder<ChildConfig>();
        foreach (var section in message.Sections.Where(IsChildren))
        {
            foreach (var element in section.Body.Where(e => e is not ViciElement.Section))
                errors.Add(new ConfigError($"{path}.children.{element.Name}", "a key where a section of a child should be: children { NAME { ... } }"));
            foreach (var child in section.Body.Sections)
            {
                CheckName(child.Name, $"{path}.children.{child.Name}", errors);
                children.Add(ChildReader.Read(child.Name, child.Body, settings, $"{path}.children.{child.Name}", errors));
            }
        }
        return children.ToImmutable();
    }

    /// <summary>What is listed is named "child-17", which has to fit a name of VICI.</summary>
    static void CheckName(string name, string path, List<ConfigError> errors)
    {
        if (name.Length is 0 or > 200)
            errors.Add(new ConfigError(path, "a name has 1 to 200 characters"));
    }

    static (string? Item, string? Error) Policy(string text) => text.Split('.') is { Length: >= 2 } parts && parts.All(part => part.Length > 0 && part.All(char.IsAsciiDigit))
        ? (text, null) : (null, KeyTable<Round>.Not(text, "an OID such as 1.3.6.1.4.1.36906.1.1.1"));

    static AuthenticationRound PublicKeyRound => new() { Kind = AuthenticationKind.PublicKey };

    /// <summary>Who a certificate or key is configured for, is called as its subject or by its fingerprint if nothing is said; %any is something.</summary>
    static AuthenticationRound WithId(AuthenticationRound round) => round.Id is not null || round.CertifiedAs is not null || round.Kind == AuthenticationKind.Psk ? round
        : round.Certificates is [var certificate, ..] ? round with { Id = new Identity(IdType.DerAsn1Dn, certificate.Subject) }
        : round.PublicKeys is [var key, ..] ? round with { Id = new Identity(IdType.KeyId, key.Fingerprint) } : round;

    static (Certificate? Item, string? Error) Certificate(ReadOnlyMemory<byte> file) =>
        Pki.Certificate.TryRead(file.Span, out var certificate, out var why) ? (certificate, null) : (null, why);

    static (PublicKey? Item, string? Error) PublicKey(ReadOnlyMemory<byte> file) =>
        Pki.PublicKey.TryReadFile(file.Span, out var key, out var why) ? (key, null) : (null, why);

    static string? Authentication(string text, out AuthenticationKind kind, out EapType? method)
    {
        (kind, method) = (AuthenticationKind.PublicKey, null);
        if (Signatures.Any(word => text.StartsWith(word, StringComparison.OrdinalIgnoreCase)))
            return null;
        if (text.Equals("psk", StringComparison.OrdinalIgnoreCase))
        {
            kind = AuthenticationKind.Psk;
            return null;
        }
        if (text.Equals("xauth", StringComparison.OrdinalIgnoreCase))
        {
            kind = AuthenticationKind.Xauth;
            return null;
        }
        if (text.StartsWith("eap", StringComparison.OrdinalIgnoreCase))
        {
            kind = AuthenticationKind.Eap;
            method = text.Length > 4 && text[3] == '-' ? EapMethods.Named(text[4..].ToLowerInvariant()) : null;
            return text.Length == 3 || method is not null ? null
                : $"\"{text}\" is not supported: of EAP there are \"eap\" for any method, \"eap-mschapv2\", \"eap-tls\", \"eap-md5\" and \"eap-gtc\"";
        }
        return Later.Any(later => text.StartsWith(later, StringComparison.OrdinalIgnoreCase))
            ? $"\"{text}\" is not supported yet, only \"pubkey\", \"psk\", \"eap...\" and \"xauth\" are"
            : KeyTable<Round>.Not(text, "\"pubkey\", \"psk\", \"eap...\" or \"xauth\"");
    }

    static (IpAddress Item, string? Error) VirtualAddress(string text) => text switch
    {
        "%any" or "%any4" or "%config" or "%config4" => (IpAddress.AnyV4, null),
        "%any6" or "%config6" => (IpAddress.AnyV6, null),
        _ => IpAddress.TryParse(text, out var address) ? (address, null) : (default, $"\"{text}\" is not an IP address (0.0.0.0 and :: ask for any)"),
    };

    static bool IsRound(ViciElement.Section section, string side) => section.Name.StartsWith(side, StringComparison.OrdinalIgnoreCase);
    static bool IsChildren(ViciElement.Section section) => section.Name.Equals("children", StringComparison.OrdinalIgnoreCase);
}

/// <summary>Lists of proposals: keywords, or <c>default</c> for several.</summary>
static class ProposalText
{
    public static (ImmutableArray<AlgorithmSet> Proposals, string? Error) Read(IReadOnlyList<string> items, ProposalKind kind)
    {
        var result = ImmutableArray.CreateBuilder<AlgorithmSet>();
        foreach (var item in items)
        {
            if (!AlgorithmSet.TryParse(item.Trim(), kind, out var proposals, out var error))
                return ([], error);
            result.AddRange(proposals);
        }
        return (result.Count == 0 ? AlgorithmSet.Defaults(kind) : result.ToImmutable(), null);
    }
}
