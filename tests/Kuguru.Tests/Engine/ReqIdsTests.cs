using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Engine;
using Kuguru.Ike;
using Xunit;

namespace Kuguru.Tests.Engine;

public class ReqIdsTests
{
    readonly ReqIds _reqIds = new();

    [Fact]
    public void Equal_children_share_a_number_and_others_get_the_next() =>
        Assert.Equal([1u, 1u, 2u], [Take("10.1.0.1"), Take("10.1.0.1"), Take("10.1.0.2")]);

    [Fact]
    public void A_number_comes_back_when_its_last_user_has_gone()
    {
        Take("10.1.0.1");
        Take("10.1.0.1");
        Take("10.1.0.2");
        _reqIds.Release(1);
        Assert.Equal(3u, Take("10.1.0.3"));
        _reqIds.Release(1);
        Assert.Equal(1u, Take("10.1.0.4"));
    }

    [Fact]
    public void A_configured_number_is_never_given_to_others()
    {
        Assert.Equal(2u, Take("10.1.0.9", configured: 2));
        Assert.Equal([1u, 3u], [Take("10.1.0.1"), Take("10.1.0.2")]);
        _reqIds.Release(2);
        Assert.Equal(4u, Take("10.1.0.3"));
    }

    uint Take(string remote, uint configured = 0)
    {
        var child = new ChildConfig
        {
            Name = "net",
            Proposals = AlgorithmSet.Defaults(ProposalKind.Esp),
            LocalSelectors = [SelectorTemplate.Dynamic],
            RemoteSelectors = [SelectorTemplate.Dynamic],
            ReqId = configured,
        };
        ImmutableArray<Selector> selectors = [new(AddressRange.Single(IpAddress.Parse(remote)))];
        return _reqIds.Take(ConnectionsTests.Named("any"), child, [], selectors);
    }
}
