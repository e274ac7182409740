using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Ike;

namespace Kuguru.Daemon.Vici;

/// <summary><c>load-pool</c>'s message to a <see cref="Pool"/>: one section whose name is the pool's.</summary>
public static class PoolReader
{
    static readonly KeyTable<Draft> Keys = new KeyTable<Draft>()
        .Text("addrs", (ref d, text) => Addresses(text) is { } range
            ? KeyTable<Draft>.Done(d = d with { Addresses = range })
            : KeyTable<Draft>.Not(text, "a prefix or a range FIRST-LAST of addresses"))
        .Each("dns", Address, (d, v) => d with { Dns = v })
        .Each("nbns", Address, (d, v) => d with { Nbns = v })
        .Each("25", Domain, (d, v) => d with { Domains = v })
        .Refused("is not supported yet: of a pool's attributes only dns, nbns and 25 (domains) are",
            "address", "dhcp", "netmask", "server", "subnet", "p_cscf", "split_include", "split_exclude");

    const int MaxDomain = 253;

    sealed record Draft(AddressRange? Addresses, ImmutableArray<IpAddress> Dns, ImmutableArray<IpAddress> Nbns, ImmutableArray<string> Domains);

    public static Pool? Read(string name, ViciMessage message, out IReadOnlyList<ConfigError> errors)
    {
        var path = $"pools.{name}";
        var found = new List<ConfigError>();
        var draft = Keys.Read(new Draft(null, [], [], []), message, path, found);
        if (message["addrs"] is null)
            found.Add(new ConfigError(path, "has no addrs: give a prefix such as 10.3.0.0/24"));
        foreach (var section in message.Sections)
            found.Add(new ConfigError($"{path}.{section.Name}", "a pool has no sections"));
        errors = found;
        return found.Count == 0 && draft.Addresses is { } addresses
            ? new Pool { Name = name, Addresses = addresses, Dns = draft.Dns, Nbns = draft.Nbns, Domains = draft.Domains }
            : null;
    }

    /// <summary>
    /// Of a prefix of more than two addresses, the first and the last are left out, as charon does; of 10.3.0.5/24 also everything
    /// below .5, which may belong to hosts.
    /// </summary>
    internal static AddressRange? Addresses(string text)
    {
        if (AddressText.Range(text) is not { } range || !text.Contains('/'))
            return AddressText.Range(text);
        var start = IpAddress.Parse(text[..text.IndexOf('/', StringComparison.Ordinal)]);
        var size = range.Last.Value - range.First.Value;
        if (size < 3)
            return new AddressRange(start, range.Last);
        var first = start.Value == range.First.Value ? start.WithValue(start.Value + 1) : start;
        var last = range.Last.WithValue(range.Last.Value - 1);
        return first <= last ? new AddressRange(first, last) : null;
    }

    /// <summary>INTERNAL_DNS_DOMAIN (RFC 8598 section 4.1), by its number, as charon has it.</summary>
    static (string? Item, string? Error) Domain(string text) => text.Length is > 0 and <= MaxDomain && text.All(one => char.IsAsciiLetterOrDigit(one) || one is '.' or '-' or '_')
        ? (text, null) : (null, KeyTable<Draft>.Not(text, "a domain name such as corp.example.org"));

    static (IpAddress Item, string? Error) Address(string text) =>
        IpAddress.TryParse(text, out var address) ? (address, null) : (default, KeyTable<Draft>.Not(text, "an IP address"));
}

/// <summary><c>load-shared</c>'s message to a <see cref="PresharedKey"/>, whose secret is a copy that the reader's caller owns.</summary>
public static class SharedKeyReader
{
    const int NtHashLength = 16;

    public static PresharedKey? Read(ViciMessage message, string nameless, out IReadOnlyList<ConfigError> errors)
    {
        var name = message["id"] ?? nameless;
        var path = $"secrets.{name}";
        var found = new List<ConfigError>();
        var type = message["type"];
        var kind = Kind(type);
        if (kind is null)
            found.Add(new ConfigError(path, type is null ? "has no type" : $"{type} is no type of a shared secret: ike, eap, xauth, ntlm and ppk are"));
        var data = message.Bytes("data");
        if (data is not { IsEmpty: false })
            found.Add(new ConfigError(path, "the secret is empty"));
        else if (kind == SharedKeyKind.NtHash && data.Value.Length != NtHashLength)
            found.Add(new ConfigError(path, $"an NT hash has {NtHashLength} octets: give 0x and {2 * NtHashLength} hex digits, or the password as eap"));
        var owners = ImmutableArray.CreateBuilder<Identity>();
        foreach (var text in message.Items("owners") ?? [])
        {
            if (Identity.TryParse(text, out var owner, out var error))
                owners.Add(owner);
            else
                found.Add(new ConfigError(path, error));
        }
        errors = found;
        return found.Count == 0 ? new PresharedKey(name, Secret.Copy(data!.Value.Span), owners.ToImmutable()) { Kind = kind!.Value } : null;
    }

    /// <summary>Users of XAUTH are those of EAP, as for charon.</summary>
    static SharedKeyKind? Kind(string? type) => type?.ToUpperInvariant() switch
    {
        "IKE" => SharedKeyKind.Ike,
        "EAP" or "XAUTH" => SharedKeyKind.Eap,
        "NTLM" => SharedKeyKind.NtHash,
        "PPK" => SharedKeyKind.Ppk,
        _ => null,
    };
}
