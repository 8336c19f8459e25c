using System.Reflection;
using DChat.Core.Messages;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Protocol;

namespace DChat.Core.Tests;

/// <summary>Core references nothing, so it has words and limits of its own: they must be those of the contract.</summary>
public sealed class ContractTests
{
    [Fact]
    public void Refusals_have_the_codes_of_the_contract()
    {
        var contract = ConstantsOf(typeof(ErrorCodes));
        Assert.All(ConstantsOf(typeof(RefusalCodes)), code => Assert.Contains(code, contract));
    }

    [Fact]
    public void Limits_are_those_of_the_contract()
    {
        Assert.Equal(ProtocolLimits.UserNameMin, UserName.MinLength);
        Assert.Equal(ProtocolLimits.UserNameMax, UserName.MaxLength);
        Assert.Equal(ProtocolLimits.RoomNameMax, RoomName.MaxLength);
        Assert.Equal(ProtocolLimits.DisplayNameMax, RoomTexts.DisplayNameMax);
        Assert.Equal(ProtocolLimits.TopicMax, RoomTexts.TopicMax);
        Assert.Equal(ProtocolLimits.ReasonMax, RoomTexts.ReasonMax);
        Assert.Equal(ProtocolLimits.BodyMax, RoomTexts.BodyMax);
        Assert.Equal(ProtocolLimits.ClientIdMax, RoomTexts.ClientIdMax);
        Assert.Equal(ProtocolLimits.EmojiBytesMax, RoomTexts.EmojiBytesMax);
        Assert.Equal(ProtocolLimits.PasswordMin, PasswordStrength.MinLength);
        Assert.Equal(ProtocolLimits.PasswordMax, PasswordStrength.MaxLength);
        Assert.Equal(ProtocolLimits.EmojiPerMessageMax, MessageLimits.EmojiPerMessage);
        Assert.Equal(ProtocolLimits.ReactionUsersShown, MessageLimits.ReactionUsersShown);
        Assert.Equal(ProtocolLimits.PageMax, MessageLimits.Page);
        Assert.Equal(ProtocolLimits.SlowModeSecondsMax, RegistryBounds.SlowModeSeconds);
    }

    [Fact]
    public void Roles_have_the_words_of_the_contract()
    {
        Assert.Equal(Roles.Owner, RoleWords.Of(RoomRole.Owner));
        Assert.Equal(Roles.Moderator, RoleWords.Of(RoomRole.Moderator));
        Assert.Equal(Roles.Member, RoleWords.Of(RoomRole.Member));
        Assert.Equal(Roles.Invited, RoleWords.Of(RoomRole.Invited));
    }

    private static List<string> ConstantsOf(Type type) =>
        [.. type.GetFields(BindingFlags.Public | BindingFlags.Static).Where(field => field.IsLiteral).Select(field => (string)field.GetRawConstantValue()!)];
}
