using Kuguru.Linux;
using Xunit;

namespace Kuguru.Tests.Linux;

public sealed class PrefixTests
{
    [Theory]
    [InlineData("10.1.0.0", "10.1.255.255", "10.1.0.0/16")]
    [InlineData("0.0.0.0", "255.255.255.255", "0.0.0.0/0")]
    [InlineData("10.0.0.1", "10.0.0.1", "10.0.0.1/32")]
    [InlineData("10.0.0.1", "10.0.0.6", "10.0.0.1/32 10.0.0.2/31 10.0.0.4/31 10.0.0.6/32")]
    [InlineData("255.255.255.254", "255.255.255.255", "255.255.255.254/31")]
    [InlineData("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0")]
    [InlineData("fd01::", "fd01::2", "fd01::/127 fd01::2/128")]
    public void A_range_is_the_fewest_prefixes(string first, string last, string prefixes) =>
        Assert.Equal(prefixes, string.Join(' ', Prefix.FromRange(IpAddress.Parse(first), IpAddress.Parse(last))));

    [Theory]
    [InlineData("10.1.2.3/16", "10.1.2.3/16")]
    [InlineData("10.1.2.3", "10.1.2.3/32")]
    [InlineData("fd01::/48", "fd01::/48")]
    [InlineData("10.1.2.3/33", null)]
    [InlineData("10.1.2.3/", null)]
    [InlineData("10.1.2/8", null)]
    [InlineData("/8", null)]
    [InlineData(null, null)]
    public void Text_is_an_address_and_a_length(string? text, string? expected)
    {
        Assert.Equal(expected is not null, Prefix.TryParse(text, out var prefix));
        if (expected is not null)
            Assert.Equal(expected, prefix.ToString());
    }
}
