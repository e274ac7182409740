using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Wire;
using Kuguru.Wire.V1;
using Xunit;

namespace Kuguru.Tests.Engine;

/// <summary>A node that speaks both versions of IKE.</summary>
public class NodeV1Tests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(1, 0, 1)]
    [InlineData(0, 0, 2)]
    [InlineData(2, 0, 2)]
    public void The_initiators_version_counts_and_zero_is_both(int moon, int sun, int expected)
    {
        var pair = new NodePair(c => c with { Version = moon }, c => c with { Version = sun }).Up();
        Assert.Equal((expected, IkeState.Established), (pair.Sun.Sas.Single().Version, pair.Sun.Sas.Single().State));
        Assert.Single(pair.Moon.Sas.Single().Children);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    public void A_version_that_the_other_does_not_want_is_refused_by_name(int moon, int sun)
    {
        var pair = new NodePair(c => c with { Version = moon }, c => c with { Version = sun });
        var token = pair.Moon.Order(token => new Order.Initiate(token, "gw", "net"));
        pair.Run(60);
        Assert.Equal(FailureCode.NoProposalChosen, pair.Moon.Outcome(token)!.Code);
        Assert.Empty(pair.Sun.Sas);
    }

    [Fact]
    public void A_flood_of_first_messages_from_everywhere_is_bounded_and_harms_no_tunnel()
    {
        var pair = new NodePair(V1, c => V1(c) with { RemoteAddresses = [] }).Up();
        var random = new Random(1);
        for (uint i = 0; i < 5000; i++)
        {
            var source = new Endpoint(IpAddress.Parse($"198.{18 + i / 65536}.{i / 256 % 256}.{i % 256}"), 500);
            pair.Sun.Receive(new Path(new(pair.Sun.Address, 500), source), First(new IkeSpi((ulong)random.NextInt64(1, long.MaxValue))));
        }
        Assert.InRange(pair.Sun.Node.HalfOpenCount, 1, 1000);
        Assert.Contains(pair.Sun.Sas, sa => sa.State == IkeState.Established);
        pair.Run(60);
        Assert.Equal(0, pair.Sun.Node.HalfOpenCount);
        var second = pair.Moon.Order(token => new Order.Initiate(token, "gw", "more"));
        pair.Run(2);
        Assert.Null(pair.Moon.Outcome(second));
    }

    static Connection V1(Connection connection) => connection with { Version = 1 };

    static Blob First(IkeSpi cookie) => new IsakmpMessage(cookie, default, ExchangeKind.IdentityProtection, IsakmpFlags.None, default,
    [
        new Payload.SA([new Proposal(1, IsakmpProtocol.Isakmp, Blob.Empty,
        [
            new Transform(1, 1,
            [
                DataAttribute.Of(OakleyAttribute.EncryptionAlgorithm, (uint)OakleyCipher.Aes), DataAttribute.Of(OakleyAttribute.KeyLength, 128),
                DataAttribute.Of(OakleyAttribute.HashAlgorithm, (uint)OakleyHash.Sha2_256), DataAttribute.Of(OakleyAttribute.GroupDescription, 31),
                DataAttribute.Of(OakleyAttribute.AuthenticationMethod, (uint)OakleyMethod.PreSharedKey),
            ]),
        ])]),
    ]).Write();
}
