using Kuguru.Ike;
using Kuguru.Lab;

namespace Kuguru.Stories;

/// <summary>Handshakes of IKEv1 in bad weather: main and aggressive mode, ten thousand together.</summary>
public sealed class IkeV1StormStories
{
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(4, false)]
    [InlineData(5, false)]
    [InlineData(6, true)]
    [InlineData(7, true)]
    [InlineData(8, true)]
    [InlineData(9, true)]
    [InlineData(10, true)]
    public void A_thousand_handshakes_in_a_storm_end_up_established_at_both_ends_with_the_same_keys_or_down_at_both_ends(ulong seed, bool aggressive)
    {
        var scene = new Scene(Sites.Public, new()
        {
            Seed = seed,
            Client = c => Lively(c, aggressive),
            Gateway = c => Lively(c, aggressive),
            GatewaySettings = new() { BlockThreshold = 0, CookieThreshold = 0, CookieThresholdPerAddress = 0, AggressiveSharedKey = true },
        });
        Storm.Pass(scene, storm: TimeSpan.FromMinutes(8), calm: TimeSpan.FromMinutes(6), atLeast: 0.9);
    }

    static Connection Lively(Connection c, bool aggressive) => c with
    {
        Version = 1,
        Aggressive = aggressive,
        DpdDelay = TimeSpan.FromSeconds(60),
        RekeyTime = TimeSpan.Zero,
        Proposals = [.. c.Proposals.SelectMany(_ => Classic)],
        Children = [c.Children[0] with { RekeyTime = TimeSpan.Zero }],
    };

    static IEnumerable<Crypto.AlgorithmSet> Classic =>
        Crypto.AlgorithmSet.TryParse("aes128-sha256-x25519", Crypto.ProposalKind.Ike, out var sets, out var error) ? sets : throw new FormatException(error);
}
