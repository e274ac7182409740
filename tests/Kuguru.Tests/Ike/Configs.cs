using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Ike;

namespace Kuguru.Tests.Ike;

/// <summary>Connections in a word, as swanctl.conf would have them.</summary>
static class Configs
{
    public static Connection Connection(string local, string remote, params ChildConfig[] children) => new()
    {
        Name = "gw",
        Proposals = Ike("aes128-sha256-x25519"),
        Local = [new AuthenticationRound { Id = Id(local) }],
        Remote = [new AuthenticationRound { Id = Id(remote) }],
        Children = [.. children],
        Mobike = false,
    };

    public static ChildConfig Child(string name, string local, string remote, string proposals = "aes128gcm128-x25519") => new()
    {
        Name = name,
        Proposals = Esp(proposals),
        LocalSelectors = Selectors(local),
        RemoteSelectors = Selectors(remote),
    };

    public static ImmutableArray<AlgorithmSet> Ike(string keywords) => Parse(keywords, ProposalKind.Ike);
    public static ImmutableArray<AlgorithmSet> Esp(string keywords) => Parse(keywords, ProposalKind.Esp);

    public static ImmutableArray<AlgorithmSet> Ah(string keywords) => Parse(keywords, ProposalKind.Ah);

    public static PresharedKey Key(string secret, params string[] owners) =>
        new("ike", Secret.Copy(System.Text.Encoding.UTF8.GetBytes(secret)), [.. owners.Select(Identity.Parse)]);

    /// <summary>"dynamic", or prefixes with blanks between.</summary>
    public static ImmutableArray<SelectorTemplate> Selectors(string text) => [.. text.Split(' ').Select(word =>
        word == "dynamic" ? SelectorTemplate.Dynamic : new SelectorTemplate(Prefix(word)))];

    public static AddressRange Prefix(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        return AddressRange.Prefix(IpAddress.Parse(text[..slash]), int.Parse(text[(slash + 1)..], System.Globalization.CultureInfo.InvariantCulture));
    }

    static Identity? Id(string text) => text.Length == 0 ? null : Identity.Parse(text);

    static ImmutableArray<AlgorithmSet> Parse(string keywords, ProposalKind kind) =>
        AlgorithmSet.TryParse(keywords, kind, out var sets, out var error) ? sets : throw new FormatException(error);
}
